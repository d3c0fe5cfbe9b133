import { timestampText } from '../../clock.ts';
import type { RepositoryFacts } from '../../events/git-facts.ts';
import { ownerOf } from '../../organizations/people.ts';
import type { Reader } from '../../storage/database/database.ts';
import type { Git } from '../git/git.ts';
import type { Repository } from '../repository.ts';
import { countRefs } from './refs-count.ts';

export interface RepositoryFactsOptions {
  readonly read: Reader;
  readonly git: Git;
  readonly repository: Repository;
}

/**
 * A repository as events show it: its row, its organization, how many pull requests are open, and how many branches and tags its files say there are.
 * Runs no process in the ordinary case. Fails where the organization is gone.
 */
export async function repositoryFacts({ read, git, repository }: RepositoryFactsOptions): Promise<RepositoryFacts> {
  const { id, number, organization, name, description, project } = repository;
  const [owner, openPulls, refs] = await Promise.all([
    ownerOf({ read, organization }),
    countOpenPulls({ read, repository }),
    countRefs({ git, repository: id }),
  ]);
  if (owner === null) throw new Error('A repository has an organization.');
  return {
    id,
    number,
    owner,
    name,
    description,
    project: project?.key ?? null,
    isEmpty: refs.branches === 0,
    isArchived: repository.archived,
    sizeKib: Math.ceil(repository.bytes / 1024),
    defaultBranch: repository.defaultBranch,
    openPulls,
    tags: refs.tags,
    created: timestampText(repository.created),
    updated: timestampText(repository.updated),
  };
}

async function countOpenPulls({ read, repository }: Pick<RepositoryFactsOptions, 'read' | 'repository'>): Promise<number> {
  const { count } = await read
    .selectFrom('pulls')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where('organization', '=', repository.organization)
    .where('repository', '=', repository.id)
    .where('state', '=', 'open')
    .executeTakeFirstOrThrow();
  return Number(count);
}
