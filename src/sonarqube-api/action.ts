import type { FastifyRequest } from 'fastify';
import type { Caller } from '../http/caller.ts';
import type { Clock } from '../clock.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Sealer } from '../secret-key.ts';
import type { Database } from '../storage/database/database.ts';
import type { Guard } from '../webhooks/delivery/guard.ts';
import type { Parameters } from './parameters.ts';

/** What the front door is built from. */
export interface SonarqubeApiDeps {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly ids: Identifiers;
  /** The version that clients are told. */
  readonly version: string;
  /** How many webhooks there may be for the organization and for each project. */
  readonly webhooksMax: number;
  /** Something of this webhook was changed: called after the commit. */
  readonly wake: (webhook: string) => void;
}

export interface Call {
  readonly caller: Caller;
  readonly parameters: Parameters;
  /** The public base URL of this server, without a slash at its end. */
  readonly serverUrl: string;
}

/** What is answered: an object as JSON, a text as it is, null for 204. */
export type Answered = object | string | null;

/** One call of SonarQube's Web API. */
export interface Action {
  readonly method: 'GET' | 'POST';
  readonly run: (call: Call) => Promise<Answered>;
}

/** A GET that needs no login; it may look at one. */
export interface OpenAction {
  /** Where it is not that of every answer. */
  readonly contentType?: string;
  readonly run: (request: FastifyRequest) => Promise<Answered>;
}

/** By path, such as `webhooks/list`. */
export type Actions = Readonly<Record<string, Action>>;
export type OpenActions = Readonly<Record<string, OpenAction>>;
