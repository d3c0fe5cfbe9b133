import type { Clock } from '../clock.ts';
import type { Caller } from '../http/caller.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Sealer } from '../secret-key.ts';
import type { Database } from '../storage/database/database.ts';
import type { Guard } from '../webhooks/delivery/guard.ts';
import type { Place } from './names.ts';
import type { OperationIds } from './operations.ts';
import type { Query } from './query.ts';

/** What the front door is built from. */
export interface SecureSourceManagerApiDeps {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly ids: Identifiers;
  /** Something of this webhook was changed: called after the commit. */
  readonly wake: (webhook: string) => void;
}

export interface ActionDeps extends SecureSourceManagerApiDeps {
  readonly operations: OperationIds;
}

/** A call, once it is known who makes it and that the organization in its path is theirs. */
export interface Call {
  readonly caller: Caller;
  readonly place: Place;
  /** What the path names: `repository`, `hook`, `operation`. */
  readonly named: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Readonly<Record<string, unknown>>;
  /** The public base URL of this server, without a slash at its end. */
  readonly serverUrl: string;
}

/** One method of Google's resource. */
export interface Action {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Behind `/securesourcemanager/v1/projects/:project/locations/:location`. */
  readonly path: string;
  readonly scope: 'read' | 'repository:read' | 'admin';
  /** Its own parameters in the query, in camelCase. */
  readonly parameters: readonly string[];
  readonly run: (call: Call) => Promise<object>;
}
