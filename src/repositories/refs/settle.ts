import type { Clock } from '../../clock.ts';
import type { PushFacts, RepositoryFacts } from '../../events/git-facts.ts';
import { zeroId } from '../../events/git-facts.ts';
import type { OnRecorded } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import { loginsOf } from '../../organizations/people.ts';
import type { Database } from '../../storage/database/database.ts';
import type { factsOfPushes } from '../facts/push-facts.ts';
import type { repositoryFacts } from '../facts/repository-facts.ts';
import type { Git } from '../git/git.ts';
import type { Repository } from '../repository.ts';
import { repositoryById } from '../store.ts';
import type { Heads } from './head.ts';
import type { Intent } from './intents.ts';
import { readRefs } from './ref-values.ts';
import type { Moved, MoveListener, RefCommand, SettlingUnit } from './refs.ts';
import type { Told } from './settling-unit.ts';
import { writeUnit } from './settling-unit.ts';

/** What facts of a push are made by. */
export interface FactsMakers {
  readonly ofPushes: typeof factsOfPushes;
  readonly ofRepository: typeof repositoryFacts;
}

export interface SettleOptions {
  readonly database: Database;
  readonly git: Git;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly log: {
    error(facts: Readonly<Record<string, unknown>>, message: string): void;
    warn(facts: Readonly<Record<string, unknown>>, message: string): void;
    info(facts: Readonly<Record<string, unknown>>, message: string): void;
  };
  readonly facts: FactsMakers;
  readonly onRecorded: OnRecorded;
  /** Events were recorded: their deliveries are in the database. */
  readonly recorded: () => void;
  /** The public base URL of this server. */
  readonly serverUrl: () => string;
  readonly listeners: readonly MoveListener[];
  readonly heads: Heads;
}

/** An intent whose git has ended, until what came of it is recorded. */
export interface SettleJob {
  intent: Intent;
  /** How much the repository has grown by it, in bytes. */
  grown: number;
  /** What has moved, with the ids of its pushes; null: not looked at yet. The same in each try. */
  moved: readonly Moved[] | null;
  /** How many of those are recorded. */
  recorded: number;
  failures: number;
}

/** Refs that one unit records at most; the intent of a larger push shrinks unit by unit. */
export const pushesOfUnitMax = 100;
/** After so many failures a push is recorded without what cannot be found out about it: its ref would else never move again. */
export const patientFailuresMax = 6;

/** Whether a ref that moved is a push of its own, with an event: branches and tags are. */
export function isTold(ref: string): boolean {
  return ref.startsWith('refs/heads/') || ref.startsWith('refs/tags/');
}

/**
 * Records what came of an intent: what has moved is decided by the refs alone (whoever wrote the intent saw that each pointed to `before`, and nobody
 * else has moved it since), so it is the same after any crash. Throws where it cannot be recorded now; called again it goes on.
 */
export async function settle(options: SettleOptions, job: SettleJob, others: readonly RefCommand[]): Promise<readonly Moved[]> {
  const { database } = options;
  const { intent } = job;
  const found = await repositoryById({ read: database.read, organization: intent.organization, id: intent.repository });
  job.moved ??= found === null ? [] : await movedOf(options, intent);
  const { moved } = job;
  if (found === null || moved.length === 0) {
    await database.write((tx) => closeOnly(tx, intent));
    return [];
  }
  const branch = await defaultBranchBy(options, { job, repository: found, moved });
  const repository = { ...found, defaultBranch: branch ?? found.defaultBranch, bytes: found.bytes + job.grown };
  while (job.recorded < moved.length) {
    const end = job.recorded + pushesOfUnitMax;
    const part = moved.slice(job.recorded, end);
    await settlePart(options, { job, repository, before: found.defaultBranch, part, left: moved.slice(end), others });
    job.recorded = Math.min(end, moved.length);
  }
  return moved;
}

/** The branch that HEAD points to now, where these moves change that. Where git cannot say so again and again, it stays. */
async function defaultBranchBy(
  { heads, log }: SettleOptions,
  { job, repository, moved }: { readonly job: SettleJob; readonly repository: Repository; readonly moved: readonly Moved[] },
): Promise<string | null> {
  try {
    return await heads.follow({ repository, moved });
  } catch (error) {
    if (job.failures < patientFailuresMax) throw error;
    log.error({ err: error, repository: repository.id }, 'the default branch was not looked at');
    return null;
  }
}

async function movedOf({ git, ids }: SettleOptions, { repository, commands }: Intent): Promise<readonly Moved[]> {
  const refs = commands.map(({ ref }) => ref);
  const values = await readRefs(git.directory(repository), refs);
  // A disk that is not there has no refs either: that tells nothing, and is asked again until it does.
  if ([...values.values()].includes(zeroId)) await git.check(repository);
  const moved = commands.filter(({ ref, before, after }) => before !== after && values.get(ref) === after);
  return moved.map((command) => ({ ...command, push: isTold(command.ref) ? ids.next() : null }));
}

async function closeOnly(tx: SettlingUnit['tx'], intent: Intent): Promise<void> {
  await tx.deleteFrom('ref_intents').where('organization', '=', intent.organization).where('id', '=', intent.id).execute();
}

interface Part {
  readonly job: SettleJob;
  readonly repository: Repository;
  /** The default branch that was. */
  readonly before: string;
  readonly part: readonly Moved[];
  readonly left: readonly Moved[];
  readonly others: readonly RefCommand[];
}

/** What is told of the repository is what its row says once the unit is written: with the time of this push and what it brought. */
async function settlePart(options: SettleOptions, asked: Part): Promise<void> {
  const { database, clock, log } = options;
  const now = clock.now();
  const whole: Part = { ...asked, repository: { ...asked.repository, pushed: now, updated: now } };
  const { job, repository, part, left } = whole;
  const told = await tell(options, whole);
  const writes = await prepared(options, whole);
  const isWritten = await database.write((tx) =>
    writeUnit({ ...options, tx, intent: job.intent, left, repository, now, before: whole.before, grown: job.grown, told, writes }),
  );
  job.intent = { ...job.intent, commands: left };
  job.grown = 0;
  if (!isWritten) return;
  options.recorded();
  const refs = part.map(({ ref }) => ref).slice(0, 5);
  const lateMs = clock.now() - job.intent.created;
  log.info({ organization: repository.slug, repository: repository.name, moved: part.length, refs, lateMs }, 'refs.moved');
}

/** The facts of each push of this part, in its order. */
async function tell(options: SettleOptions, { job, repository, part, left, others }: Part): Promise<readonly Told[]> {
  const { database, git, facts, log } = options;
  const { actor } = job.intent;
  const serverUrl = options.serverUrl();
  const pushed = part.flatMap(({ push, ...command }) => (push === null ? [] : [{ ...command, push }]));
  if (pushed.length === 0) return [];
  const about = await facts.ofRepository({ read: database.read, git, repository });
  const logins = (emails: readonly string[]) => loginsAsked({ database, organization: repository.organization, emails });
  try {
    const moving = [...left, ...others];
    const all = await facts.ofPushes({ git, repository: about, serverUrl, pusher: actor, logins, moved: pushed, moving });
    return all.map((one) => ({ facts: one, created: job.intent.created }));
  } catch (error) {
    if (job.failures < patientFailuresMax) throw error;
    log.error({ err: error, repository: repository.id }, 'a push is recorded without its commits: they could not be read');
    return pushed.map((one) => ({ facts: bareFacts({ about, serverUrl, pusher: actor, ...one }), created: job.intent.created }));
  }
}

async function loginsAsked(options: {
  readonly database: Database;
  readonly organization: string;
  readonly emails: readonly string[];
}): Promise<ReadonlyMap<string, string>> {
  const { database, organization, emails } = options;
  const known = await loginsOf({ read: database.read, organization, emails });
  return new Map(
    emails.flatMap((email) => {
      const login = known.get(email.toLowerCase());
      return login === undefined ? [] : [[email, login] as const];
    }),
  );
}

interface Bare extends RefCommand {
  readonly about: RepositoryFacts;
  readonly serverUrl: string;
  readonly push: string;
  readonly pusher: PushFacts['pusher'];
}

/** What is known without a look at any object. */
function bareFacts({ about, serverUrl, push, ref, before, after, pusher }: Bare): PushFacts {
  const isMovedTag = ref.startsWith('refs/tags/') && before !== zeroId && after !== zeroId;
  return {
    organization: about.owner.slug,
    serverUrl,
    push,
    ref,
    before,
    after,
    isForced: isMovedTag,
    commits: [],
    total: 0,
    head: null,
    compareBase: null,
    repository: about,
    pusher,
  };
}

type Write = (unit: SettlingUnit) => Promise<void>;

/** What listeners will write. One that fails again and again is passed over: a branch that can never be pushed to again would be worse. */
async function prepared({ listeners, serverUrl, log }: SettleOptions, { job, repository, part }: Part): Promise<readonly Write[]> {
  const { actor, purpose, options: pushOptions } = job.intent;
  const writes: Write[] = [];
  for (const listener of listeners) {
    try {
      writes.push(await listener.prepare({ repository, moved: part, actor, purpose, options: pushOptions, serverUrl: serverUrl() }));
    } catch (error) {
      if (job.failures < patientFailuresMax) throw error;
      log.error({ err: error, repository: repository.id }, 'pull requests were not told of a push');
    }
  }
  return writes;
}
