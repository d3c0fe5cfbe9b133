import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../src/clock.ts';
import type { PersonFacts, PullRequestFacts } from '../src/events/git-facts.ts';
import { zeroId } from '../src/events/git-facts.ts';
import { createIdentifiers } from '../src/identifiers.ts';
import { personOf } from '../src/organizations/people.ts';
import { createToken } from '../src/organizations/tokens.ts';
import { createPulls } from '../src/repositories/pulls/create.ts';
import type { Doing, PullsDeps } from '../src/repositories/pulls/deps.ts';
import { mergePull } from '../src/repositories/pulls/merge.ts';
import type { MergePullOptions } from '../src/repositories/pulls/merge.ts';
import { openPull } from '../src/repositories/pulls/open.ts';
import type { Pull } from '../src/repositories/pulls/pull.ts';
import type { Pulls } from '../src/repositories/pulls/pulls.ts';
import { createRefresher } from '../src/repositories/pulls/refresh.ts';
import { findPull } from '../src/repositories/pulls/store.ts';
import type { Engine } from './databases.ts';
import { clientRuns } from './git-host.ts';
import type { PushHost, PushHostOptions } from './push-host.ts';
import { startPushHost } from './push-host.ts';

export interface NewCommit {
  /** Its tree begins as that of the first. */
  readonly parents?: readonly string[];
  /** By path; null takes one away. */
  readonly files?: Readonly<Record<string, string | null>>;
  readonly message?: string;
  readonly author?: string;
  /** As git writes it, with its zone. */
  readonly date?: string;
}

/** A server that takes pushes and makes pull requests of them, with one repository and its people. */
export interface PullHost extends PushHost {
  readonly pulls: Pulls;
  readonly deps: PullsDeps;
  readonly ada: PersonFacts;
  readonly ben: PersonFacts;
  /** Writes a commit that no ref leads to. */
  commit(options: NewCommit): Promise<string>;
  /** Moves branches as the server does: to a commit, or null to delete. */
  point(branches: Readonly<Record<string, string | null>>, actor?: PersonFacts): Promise<void>;
  tip(ref: string): Promise<string | null>;
  /** What git says in the bare repository. */
  git1(...args: readonly string[]): Promise<string>;
  open(options: { readonly head: string; readonly base?: string; readonly title?: string; readonly body?: string }): Promise<Pull>;
  merge(pull: Pull, options?: Partial<MergePullOptions>): Promise<Pull>;
  pull(number: number): Promise<Pull>;
  doing(actor?: PersonFacts): Promise<Doing>;
  /** `push refs/heads/main`, `opened 1`, ...: all events, oldest first; those before a `forget` are left out. */
  story(): Promise<readonly string[]>;
  told(): Promise<readonly PullRequestFacts[]>;
  forget(): Promise<void>;
}

export async function startPullHost(t: TestContext, engine: Engine = 'sqlite', options: Partial<PushHostOptions> = {}): Promise<PullHost> {
  let pulls: Pulls | null = null;
  const host = await startPushHost(t, {
    ...options,
    engine,
    pulls: (push) => (pulls === null ? Promise.reject(new Error('not yet')) : pulls.planFor(push)),
    openPulls: async (asked) => (await pulls?.openOf(asked)) ?? [],
    whatCame: async (asked) => (await pulls?.whatCame(asked)) ?? [],
  });
  const { database, git, refs, organization } = host;
  const [clock, ids] = [systemClock, createIdentifiers()];
  const deps: PullsDeps = { database, git, clock, ids, refs, publicUrl: () => 'http://git.test' };
  pulls = createPulls(deps);
  refs.onMoved(pulls.listener);
  const refresher = createRefresher(deps);
  const person = async (name: string, email: string | null): Promise<PersonFacts> => {
    const token = await database.write((tx) =>
      createToken({ tx, organization, name, email, scopes: ['repository:write'], project: null, actor: 'cli', ids, clock }),
    );
    return personOf({ database, organization, token: token.id });
  };
  const [ada, ben] = [await person('Ada', 'ada@example.org'), await person('Ben the builder', null)];
  const bare = (await host.repository()).id;
  const run = async (args: readonly string[], input = '', environment: Readonly<Record<string, string>> = {}): Promise<string> =>
    (await git.run({ repository: bare, args, input, environment })).stdout.toString().trimEnd();
  const tip = async (ref: string): Promise<string | null> => {
    const found = await git.run({ repository: bare, args: ['rev-parse', '--verify', '--quiet', ref], okStatus: [0, 1] });
    return found.status === 0 ? found.stdout.toString().trim() : null;
  };
  const doing = async (actor = ada): Promise<Doing> => ({ repository: await host.repository(), actor });
  let after = '';
  const events = () => database.read.selectFrom('events').select(['id', 'kind', 'facts']).where('id', '>', after).orderBy('id').execute();
  const pull = async (number: number): Promise<Pull> => {
    const one = await findPull({ read: database.read, organization, repository: bare, number });
    if (one === null) throw new Error(`there is no pull request ${number}`);
    return one;
  };
  return {
    ...host,
    pulls,
    deps,
    ada,
    ben,
    tip,
    doing,
    pull,
    commit: (commit) => writeCommit(run, commit),
    git1: (...args) => run(args),
    async point(branches, actor = ada) {
      const commands = Object.entries(branches).map(async ([name, sha]) => {
        const ref = `refs/heads/${name}`;
        return { ref, before: (await tip(ref)) ?? zeroId, after: sha ?? zeroId };
      });
      await refs.move({ repository: await host.repository(), commands: await Promise.all(commands), actor });
    },
    open: async ({ head, base = 'main', title = 'A change', body = '' }) => openPull(deps, { ...(await doing()), head, base, title, body }),
    merge: async (pull, more = {}) => mergePull(deps, refresher, { ...(await doing(ben)), pull, method: 'merge', ...more }),
    async story() {
      return (await events()).map(({ kind, facts }) => {
        const { ref, pullAction, commentAction, pull } = JSON.parse(facts) as Record<string, unknown> & { pull?: { number: number } };
        return kind === 'push' ? `push ${String(ref)}` : `${String(pullAction ?? commentAction)} ${pull?.number}`;
      });
    },
    async told() {
      const rows = await events();
      return rows.filter(({ kind }) => kind !== 'push').map(({ facts }) => JSON.parse(facts) as PullRequestFacts);
    },
    async forget() {
      after = (await events()).at(-1)?.id ?? after;
    },
  };
}

type Run = (args: readonly string[], input?: string, environment?: Readonly<Record<string, string>>) => Promise<string>;

async function writeCommit(
  run: Run,
  { parents = [], files = {}, message = 'a commit\n', author = 'Cy <cy@example.org>', date }: NewCommit,
) {
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-index-'));
  const index = { GIT_INDEX_FILE: join(directory, 'index') };
  const [first] = parents;
  if (first !== undefined) await run(['read-tree', first], '', index);
  for (const [path, text] of Object.entries(files)) {
    const args =
      text === null
        ? ['--force-remove', path]
        : ['--add', '--cacheinfo', `100644,${await run(['hash-object', '-w', '--stdin'], text)},${path}`];
    await run(['update-index', ...args], '', index);
  }
  const tree = await run(['write-tree'], '', index);
  await rm(directory, { recursive: true, force: true });
  const [, name = '', email = ''] = /^(.*) <(.*)>$/.exec(author) ?? [];
  const when = date ?? '1700000000 +0100';
  return run(['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'], message, {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: when,
    GIT_COMMITTER_NAME: 'Committer',
    GIT_COMMITTER_EMAIL: 'committer@example.org',
    GIT_COMMITTER_DATE: when,
  });
}

/** A client's clone with a first commit on main, pushed. */
export async function clonedWork({ directory, remote }: PullHost, name = 'work'): Promise<(...args: readonly string[]) => Promise<string>> {
  await clientRuns(directory, 'clone', '--quiet', remote('write'), name);
  return (...args) => clientRuns(join(directory, name), ...args);
}
