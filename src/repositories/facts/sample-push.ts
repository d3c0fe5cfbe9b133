import type { CommitFacts, PushFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import { commitOf } from './commits.ts';
import { noLogins } from './facts.ts';
import { look, pieces } from './look.ts';
import type { PushContext } from './push-facts.ts';

export interface SamplePushOptions extends Omit<PushContext, 'logins'> {
  /** A fresh id. */
  readonly push: string;
  readonly logins?: PushContext['logins'];
  /** Whether the webhook's filter lets a ref (its whole name) pass; all pass where it is left out. */
  readonly passes?: (ref: string) => boolean;
}

interface Sampled {
  readonly ref: string;
  readonly id: string;
}

/**
 * What a test delivery of a push says (contract 1.5): the newest commit of the default branch, as if it had just been pushed on top of its first parent;
 * where the filter keeps that out, of another branch or tag that passes, the newest first. A repository without any ref gives zeros and a commit that
 * says so. Null: the filter lets none of its refs pass.
 */
export async function samplePush(options: SamplePushOptions): Promise<PushFacts | null> {
  const { git, repository, logins = noLogins, passes = () => true } = options;
  const usual = `refs/heads/${repository.defaultBranch}`;
  const { found, isEmpty } = await findRef(options, usual, passes);
  if (isEmpty) return passes(usual) ? factsOf(options, { ref: usual, id: '' }, missingCommit(options)) : null;
  if (found === null) return null;
  return factsOf(options, found, await commitOf({ git, repository: repository.id, revision: found.id, logins }));
}

interface Search {
  readonly found: Sampled | null;
  /** There is no ref at all. */
  readonly isEmpty: boolean;
}

const refBytesMax = 4096;

/** The default branch, else the ref that changed last of those that pass. Tags of what is no commit are looked at as well: `head` is null then. */
async function findRef({ git, repository }: SamplePushOptions, usual: string, passes: (ref: string) => boolean): Promise<Search> {
  let first: Sampled | null = null;
  let isEmpty = true;
  const take = (piece: Buffer): boolean => {
    isEmpty = false;
    const [id, ref] = [piece.toString('latin1', 0, 40), piece.toString('utf8', 41)];
    if (!passes(ref)) return true;
    if (first === null || ref === usual) first = { ref, id };
    // Any ref will do where the usual one does not pass.
    return ref !== usual && passes(usual);
  };
  const args = ['for-each-ref', '--sort=refname', '--sort=-creatordate', '--format=%(objectname) %(refname)', 'refs/heads/', 'refs/tags/'];
  await look({ git, repository: repository.id, args }, pieces({ at: 0x0a, bytesMax: refBytesMax, take }));
  return { found: first, isEmpty };
}

function factsOf(options: SamplePushOptions, { ref, id }: Sampled, head: CommitFacts | null): PushFacts {
  const { repository, serverUrl, pusher, push } = options;
  const isBranch = ref.startsWith('refs/heads/');
  const commits = isBranch && head !== null ? [head] : [];
  return {
    organization: repository.owner.slug,
    serverUrl,
    push,
    ref,
    before: isBranch ? (head?.parents[0] ?? zeroId) : zeroId,
    after: isBranch && head !== null ? head.id : id,
    isForced: false,
    commits,
    total: commits.length,
    head,
    compareBase: null,
    repository,
    pusher,
  };
}

/** git's id of a directory with nothing in it. */
const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** All zeros (contract 1.5), since there is none: that `head` is there tells it from a deletion, and its links lead to the repository. */
function missingCommit({ repository, pusher }: SamplePushOptions): CommitFacts {
  const message = 'A test delivery: the repository has no commit yet.\n';
  const { name, email, login } = pusher;
  const by = { name, email, login, date: `${new Date(repository.created).toISOString().slice(0, 19)}Z` };
  const paths = { added: [], removed: [], modified: [], arePathsCut: false };
  return { id: zeroId, tree: emptyTree, parents: [], message, author: by, committer: by, ...paths };
}
