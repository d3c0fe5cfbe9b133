import { repositoryUrls } from '../events/git-urls.ts';
import type { Caller } from '../http/caller.ts';
import type { Repository } from '../repositories/repository.ts';
import { callersRepository } from '../repositories/store.ts';
import type { Reader } from '../storage/database/database.ts';
import type { Action, ActionDeps, Call } from './action.ts';
import { resourceNotFound } from './errors.ts';
import type { Place } from './names.ts';
import { repositoryName } from './names.ts';
import { timeText } from './time.ts';
import { GatepostError } from '../errors.ts';

/** `projects.locations.repositories.get`. */
export function repositoryActions({ database }: ActionDeps): readonly Action[] {
  return [
    {
      method: 'GET',
      path: '/repositories/:repository',
      scope: 'repository:read',
      parameters: [],
      run: async (call) => repositoryBody(await namedRepository(database.read, call), call),
    },
  ];
}

/** The repository that the path names. Fails with NOT_FOUND where there is none, or where it is not for this token. */
export async function namedRepository(
  read: Reader,
  { caller, place, named: { repository = '' } }: { readonly caller: Caller; readonly place: Place; readonly named: Call['named'] },
): Promise<Repository> {
  return callersRepository({ read, caller, name: repository }).catch((error: unknown) => {
    if (!(error instanceof GatepostError && error.code === 'unknown_repository')) throw error;
    throw resourceNotFound(repositoryName(place, repository));
  });
}

/** The resource `Repository`: what of it is known here. There are no instances, and no settings to begin with. */
function repositoryBody({ id, slug, name, description, created, updated }: Repository, { place, serverUrl }: Call) {
  const { html, clone, api } = repositoryUrls({ serverUrl, slug, name });
  return {
    name: repositoryName(place, name),
    description,
    uid: id,
    createTime: timeText(created),
    updateTime: timeText(updated),
    uris: { html, gitHttps: clone, api },
  };
}
