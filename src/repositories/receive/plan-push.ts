import type { PersonFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import type { Git } from '../git/git.ts';
import type { Plan, PlanOptions } from '../pulls/pulls.ts';
import type { Purpose, RefCommand } from '../refs/refs.ts';
import type { Repository } from '../repository.ts';
import { isBranchName, isRefName, refNameBytesMax } from '../repository.ts';
import type { AskedCommand, PushHead } from './push-head.ts';
import type { Outcome } from './report.ts';

/** Which refs git is to move for pull requests; pulls/ knows. */
export type PlanPulls = (options: PlanOptions) => Promise<Plan>;

export interface PlanPushOptions {
  readonly git: Git;
  readonly repository: Repository;
  readonly actor: PersonFacts;
  readonly head: PushHead;
  readonly refsMax: number;
  readonly pulls: PlanPulls;
}

export interface PlannedPush {
  /** One for each command, in their order; not refused: it is git's turn. */
  readonly outcomes: readonly Outcome[];
  readonly purpose: Purpose | null;
  /** Lines for whoever pushes, besides the outcomes. */
  readonly notes: readonly string[];
}

/** What a push may move: everything else is hidden or of another meaning. */
const namespaces = ['refs/heads/', 'refs/tags/', 'refs/notes/', 'refs/for/'];

/** Sees what of a push may not be, command by command; of an atomic one, one of them refuses all. */
export async function planPush(options: PlanPushOptions): Promise<PlannedPush> {
  const { repository, actor, head, pulls } = options;
  const seen = new Set<string>();
  const checked = head.commands.map((asked): Outcome => {
    const refused = whyNot(repository, asked, seen);
    if (asked.nameBytes === undefined) seen.add(asked.ref);
    return { asked, done: asked, refused };
  });
  const left = checked.filter(({ refused }) => refused === null).map(({ asked }) => asked);
  const full = await whyFull(options, left);
  const allowed = full === null ? checked : checked.map((one) => withReason(one, creates(one.asked) ? full : null));
  const commands = allowed.filter(({ refused }) => refused === null).map(({ asked }) => asked);
  const plan = commands.length === 0 ? null : await pulls({ repository, actor, commands, options: head.options });
  const planned = new Map((plan?.commands ?? []).map((one) => [one.asked, one]));
  const outcomes = allowed.map((one): Outcome => {
    const found = planned.get(one.asked);
    return found === undefined ? one : { ...one, done: found.command ?? one.asked, refused: one.refused ?? found.refused };
  });
  const isRefused = head.capabilities.has('atomic') && outcomes.some(({ refused }) => refused !== null);
  return {
    outcomes: isRefused ? outcomes.map((one) => withReason(one, 'atomic push failed')) : outcomes,
    purpose: plan?.purpose ?? null,
    notes: plan?.notes ?? [],
  };
}

function withReason(one: Outcome, reason: string | null): Outcome {
  return { ...one, refused: one.refused ?? reason };
}

function creates({ before, after }: RefCommand): boolean {
  return before === zeroId && after !== zeroId;
}

function whyNot(
  { archived, defaultBranch }: Repository,
  { ref, before, after, nameBytes }: AskedCommand,
  seen: ReadonlySet<string>,
): string | null {
  if (archived) return 'the repository is archived';
  if (nameBytes !== undefined) return 'the name is not UTF-8';
  if (Buffer.byteLength(ref) > refNameBytesMax) return `the name is longer than ${refNameBytesMax} bytes`;
  if (!isRefName(ref)) return 'git takes no ref of this name';
  if (!namespaces.some((namespace) => ref.startsWith(namespace))) return 'only branches, tags, notes and refs/for/ can be pushed';
  if (ref.startsWith('refs/heads/') && !isBranchName(ref.slice('refs/heads/'.length))) return 'git takes no branch of this name';
  if (seen.has(ref)) return 'the push names it twice';
  if (before === zeroId && after === zeroId) return 'there is nothing to delete';
  // git would refuse it too, with advice for whoever runs the server.
  if (after === zeroId && ref === `refs/heads/${defaultBranch}`) return 'the default branch cannot be deleted; choose another first';
  return null;
}

/** An id and the line's end. */
const idLineBytes = 41;

async function whyFull({ git, repository, refsMax }: PlanPushOptions, commands: readonly RefCommand[]): Promise<string | null> {
  const added = commands.filter(creates).length;
  if (added === 0) return null;
  const listed = await git.run({ repository: repository.id, args: ['for-each-ref', '--format=%(objectname)'] });
  return listed.stdout.length / idLineBytes + added > refsMax ? `the repository would have more than ${refsMax} refs` : null;
}
