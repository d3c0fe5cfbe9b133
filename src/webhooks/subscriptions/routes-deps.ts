import { Type } from 'typebox';
import type { Clock } from '../../clock.ts';
import type { Caller } from '../../http/caller.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Database } from '../../storage/database/database.ts';
import type { Guard } from '../delivery/guard.ts';
import type { WebhookRepositories } from './repositories.ts';

export interface WebhookRoutesDeps {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly ids: Identifiers;
  /** How many webhooks of a dialect there may be for an organization and for each project, where that is less than of all. */
  readonly dialectsMax?: Readonly<Record<string, number>>;
  /** Left out: there are none. */
  readonly repositories?: WebhookRepositories;
  /** A person asked for something of this webhook: called after the commit. */
  readonly wake: (webhook: string) => void;
}

export const tags = ['Webhooks'];
export const params = Type.Object({ id: Type.String() });

/** What the stores need to know of a caller. A token for one project sees and changes that project's webhooks alone. */
export function of({ organization, token, project }: Caller) {
  return { organization, onlyProject: project, actor: `token:${token}` as const };
}
