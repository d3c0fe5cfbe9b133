import { findHook } from '../webhooks/subscriptions/hooks.ts';
import type { Action, ActionDeps, Call } from './action.ts';
import { resourceNotFound } from './errors.ts';
import { dialect, shownHook } from './hooks.ts';
import { operationName } from './names.ts';
import type { Done } from './operations.ts';
import { operationBody } from './operations.ts';
import { maySee, repositoryById } from '../repositories/store.ts';

/** `projects.locations.operations.get`: whoever may see the repository may see again what was done there, for as long as the secret key is the same. */
export function operationActions(deps: ActionDeps): readonly Action[] {
  return [{ method: 'GET', path: '/operations/:operation', scope: 'read', parameters: [], run: (call) => get(deps, call) }];
}

async function get(deps: ActionDeps, call: Call): Promise<object> {
  const { caller, place, named } = call;
  const { operation: id = '' } = named;
  const done = deps.operations.read(caller.organization, id);
  if (done === null) throw resourceNotFound(operationName(place, id));
  const { organization } = caller;
  const repository = await repositoryById({ read: deps.database.read, organization, id: done.repositoryId });
  // A token for one project must not learn of repositories that are none of its project's, nor of those that are gone.
  const isSeen = repository === null ? caller.project === null : maySee(caller, repository);
  if (!isSeen) throw resourceNotFound(operationName(place, id));
  return operationBody({ place, id, done, hook: await hookNow(deps, done) });

  async function hookNow({ database, sealer }: ActionDeps, { hook: hookId, webhook }: Done): Promise<object | null> {
    if (repository === null) return null;
    const hook = await findHook({ read: database.read, sealer, organization, repository: repository.id, dialect, hookId });
    return hook === null || hook.webhook.id !== webhook ? null : shownHook(hook, repository, call);
  }
}
