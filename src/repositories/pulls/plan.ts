import { zeroId } from '../../events/git-facts.ts';
import { isAncestor } from '../facts/diff.ts';
import type { RefCommand } from '../refs/refs.ts';
import { isBranchName } from '../repository.ts';
import { tipsOf } from './assess.ts';
import type { PullsDeps } from './deps.ts';
import { scopeOf } from './deps.ts';
import type { NumberBook } from './numbers.ts';
import type { PullOptions } from './push-options.ts';
import { pullOptions } from './push-options.ts';
import { topicCharactersMax } from './pull.ts';
import type { Plan, PlannedCommand, PlanOptions } from './pulls.ts';
import type { PlannedPull } from './purpose.ts';
import { openPurpose } from './purpose.ts';
import { countOpen, listPulls, openOfTopic } from './store.ts';
import { openPullsMax } from './pull.ts';

/** Where `git push` sends what is to become a pull request. */
export const forPrefix = 'refs/for/';
/** Pull requests that one push opens: each is looked at before the push is told. */
export const pullsOfPushMax = 20;

interface Planned {
  readonly command: PlannedCommand;
  /** A pull request that it opens. */
  readonly opens: PlannedPull | null;
  /** For whoever pushes: why it comes to something else than was asked for. */
  readonly note?: string;
}

/**
 * What git is to do with the refs of a push. `refs/for/<base>[/<topic>]` becomes the head of a pull request: of the open one of this author, base and
 * topic, or of a new one. With the push option `pull_request.create` a branch that is pushed becomes one, too. Nothing is written but numbers.
 */
export async function planPush(deps: PullsDeps, book: NumberBook, options: PlanOptions): Promise<Plan> {
  const asked = pullOptions(options.options);
  const mine = options.commands.filter(({ ref }) => ref.startsWith(forPrefix));
  const { notes } = asked;
  if (mine.length === 0 && !asked.create) return { commands: options.commands.map(passed), purpose: null, notes };
  const isFull = (await countOpen({ read: deps.database.read, ...scopeOf(options.repository) })) >= openPullsMax;
  const planned: Planned[] = [];
  for (const command of options.commands) {
    const one = await planOne({ deps, book, options, asked, isFull }, command);
    const opened = planned.filter(({ opens }) => opens !== null).length;
    const isTooMany = one.opens !== null && opened >= pullsOfPushMax;
    planned.push(isTooMany ? refusal(command, `a push opens at most ${pullsOfPushMax} pull requests`) : one);
  }
  const isOfNone = mine.length === 0 && !options.commands.some(({ ref }) => ref.startsWith('refs/heads/'));
  return {
    notes: [
      ...notes,
      ...planned.flatMap(({ note }) => note ?? []),
      ...(isOfNone ? ['No pull request is opened: no branch is pushed.'] : []),
    ],
    commands: twiceRefused(planned.map(({ command }) => command)),
    purpose: openPurpose(planned.flatMap(({ opens }) => (opens === null ? [] : [opens]))),
  };
}

function passed(asked: RefCommand): PlannedCommand {
  return { asked, command: asked, refused: null };
}

function refusal(asked: RefCommand, refused: string): Planned {
  return { command: { asked, command: null, refused }, opens: null };
}

/** Two commands that come to one ref: git would refuse the whole push. */
function twiceRefused(commands: readonly PlannedCommand[]): readonly PlannedCommand[] {
  const seen = new Set<string>();
  return commands.map((one) => {
    if (one.command === null) return one;
    if (seen.has(one.command.ref)) return { ...one, command: null, refused: 'another ref of this push comes to the same pull request' };
    seen.add(one.command.ref);
    return one;
  });
}

interface Planning {
  readonly deps: PullsDeps;
  readonly book: NumberBook;
  readonly options: PlanOptions;
  readonly asked: PullOptions;
  readonly isFull: boolean;
}

async function planOne(planning: Planning, command: RefCommand): Promise<Planned> {
  if (command.ref.startsWith(forPrefix)) return planFor(planning, command);
  if (planning.asked.create && command.ref.startsWith('refs/heads/')) return planBranch(planning, command);
  return { command: passed(command), opens: null };
}

async function planFor(planning: Planning, command: RefCommand): Promise<Planned> {
  const { deps, book, options, asked, isFull } = planning;
  const { repository, actor } = options;
  if (command.after === zeroId) return refusal(command, 'refs/for cannot be deleted; close the pull request');
  const place = await placeOf(planning, command.ref.slice(forPrefix.length));
  if ('refused' in place) return refusal(command, place.refused);
  const { base, topic } = place;
  const scope = { read: deps.database.read, ...scopeOf(repository) };
  const tipOf = async (ref: string): Promise<string> =>
    (await tipsOf({ git: deps.git, repository: repository.id, refs: [ref] })).get(ref) ?? zeroId;
  const open = await openOfTopic({ ...scope, base, topic, author: actor.number });
  if (open !== null) {
    const ref = `refs/pull/${open.number}/head`;
    const before = await tipOf(ref);
    if (before === command.after) return refusal(command, `no new changes for pull request ${open.number}`);
    const planned = { command: { asked: command, command: { ref, before, after: command.after }, refused: null }, opens: null };
    return saysText(asked) ? { ...planned, note: `Pull request ${open.number} is open for it already: its title and text stay.` } : planned;
  }
  if (isFull) return refusal(command, 'the repository has as many open pull requests as it may have');
  // Known before its objects have come only where they are here already; else the push is taken, and nothing is made of it.
  const source = { git: deps.git, repository: repository.id };
  if (await isAncestor({ ...source, ancestor: command.after, descendant: `refs/heads/${base}` }))
    return refusal(command, 'the branch has all of it already');
  const number = await book.take(scopeOf(repository), `for ${actor.number} ${base} ${topic}`);
  if (number === null) return refusal(command, 'the repository is gone');
  const ref = `refs/pull/${number}/head`;
  // There already where an earlier push of the topic brought nothing that could be merged: then no pull request was made of it.
  const before = await tipOf(ref);
  if (before === command.after) return refusal(command, 'there is nothing in it to merge');
  const { title, body } = asked;
  return {
    command: { asked: command, command: { ref, before, after: command.after }, refused: null },
    opens: { ref, number, base, head: null, topic, title, body },
  };
}

function saysText({ title, body }: PullOptions): boolean {
  return title !== null || body !== null;
}

/** The longest branch that the ref's rest begins with is the base, what is left of it the topic. */
async function placeOf(
  { deps, options, asked }: Planning,
  rest: string,
): Promise<{ readonly base: string; readonly topic: string } | { readonly refused: string }> {
  const parts = rest.split('/');
  const candidates = parts.map((_, index) => parts.slice(0, parts.length - index).join('/')).filter(isBranchName);
  const refs = candidates.map((name) => `refs/heads/${name}`);
  const tips = await tipsOf({ git: deps.git, repository: options.repository.id, refs });
  const base = candidates.find((name) => tips.has(`refs/heads/${name}`));
  if (base === undefined) return { refused: 'no such branch to go to' };
  const inRef = rest.slice(base.length + 1);
  if (inRef !== '' && asked.topic !== null && asked.topic !== inRef)
    return { refused: 'the ref and the push option name different topics' };
  const topic = inRef === '' ? (asked.topic ?? '') : inRef;
  return topic.length > topicCharactersMax ? { refused: `a topic has at most ${topicCharactersMax} characters` } : { base, topic };
}

async function planBranch({ deps, book, options, asked, isFull }: Planning, command: RefCommand): Promise<Planned> {
  const { repository } = options;
  const head = command.ref.slice('refs/heads/'.length);
  const base = asked.target ?? repository.defaultBranch;
  const without = (note: string): Planned => ({ command: passed(command), opens: null, note });
  if (command.after === zeroId) return without(`No pull request is opened of ${head}: it is deleted.`);
  if (head === base) return without(`No pull request is opened of ${head}: that is the branch it would go to.`);
  const tips = isBranchName(base) ? await tipsOf({ git: deps.git, repository: repository.id, refs: [`refs/heads/${base}`] }) : new Map();
  const isPushedToo = options.commands.some(({ ref, after }) => ref === `refs/heads/${base}` && after !== zeroId);
  if (tips.size === 0 && !isPushedToo) return refusal(command, 'no such branch for the pull request to go to');
  const scope = { read: deps.database.read, ...scopeOf(repository) };
  const [open] = await listPulls({ ...scope, state: 'open', base, head, limit: 1, after: null });
  if (open !== undefined)
    return without(`Pull request ${open.number} is open for it already${saysText(asked) ? ': its title and text stay' : ''}.`);
  if (isFull) return refusal(command, 'the repository has as many open pull requests as it may have');
  const number = await book.take(scopeOf(repository), `branch ${base} ${head}`);
  if (number === null) return refusal(command, 'the repository is gone');
  const { title, body } = asked;
  return { command: passed(command), opens: { ref: command.ref, number, base, head, topic: null, title, body } };
}
