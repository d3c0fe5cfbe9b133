import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { PushFacts } from '../../src/events/git-facts.ts';
import { zeroId } from '../../src/events/git-facts.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { systemClock } from '../../src/clock.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import { readRefs } from '../../src/repositories/refs/ref-values.ts';
import type { RefCommand } from '../../src/repositories/refs/refs.ts';
import type { Database } from '../../src/storage/database/database.ts';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import { openDatabase } from '../../src/storage/database/open.ts';
import type { GitObject } from '../push-client.ts';
import { commitObjects, gitObject, packOf, pushBody, sendPush } from '../push-client.ts';
import type { PushReceiver } from './push-receiver.ts';
import { startPushReceiver } from './push-receiver.ts';
import type { ServerProcess } from './server-process.ts';
import { startServer } from './server-process.ts';

// A server is killed while clients push to it: branches and tags are made, moved, forced, deleted, many at once, two clients on one branch. No push
// brings a value that was there before, so the events of each ref must be a chain from nothing to what the ref is in the end: one that is lost, made
// twice, or of a move that was none, breaks it. Every second time git's own processes are killed with the server, as when a machine goes.

export interface PushKillOptions {
  readonly location: DatabaseLocation;
  readonly kills: number;
  readonly lifeMsMax: number;
  readonly say?: (line: string) => void;
}

export interface PushKillOutcome {
  readonly kills: number;
  /** Ref moves that clients asked for; of these, answered `ok`. */
  readonly asked: number;
  readonly answered: number;
  readonly events: number;
  /** Intents that were open at a kill; of their refs, those that git had moved by then or moved afterwards. */
  readonly open: number;
  readonly movedAtKill: number;
  /** Answered `ok` without an event: must be none. */
  readonly lost: readonly string[];
  /** Refs whose events are no chain from nothing to what they are: must be none. */
  readonly broken: readonly string[];
  /** Events that did not reach the receiver, and what it got that is no event: must be none. */
  readonly notReceived: readonly string[];
  readonly strange: readonly string[];
  /** Received more than once. */
  readonly repeated: number;
  /** Left open at the end, what `git fsck` says, and refs that cannot be pushed to any more: must be none. */
  readonly leftOpen: number;
  readonly fsck: string;
  readonly stuck: readonly string[];
}

interface Run {
  readonly options: PushKillOptions;
  readonly settings: Readonly<Record<string, string>>;
  readonly token: string;
  readonly directory: string;
  readonly answered: Set<string>;
  asked: number;
  open: number;
  movedAtKill: number;
}

const secretKey = Buffer.alloc(32, 7).toString('base64');
const clientsCount = 4;
const largeBytes = 150_000;
const settleMsMax = 120_000;
const beginMsMax = 20_000;
const moveText = ({ ref, before, after }: RefCommand): string => `${ref} ${before.slice(0, 8)} ${after.slice(0, 8)}`;

export async function runPushKills(options: PushKillOptions): Promise<PushKillOutcome> {
  const { location, kills } = options;
  const receiver = await startPushReceiver();
  try {
    const settings = settingsOf(location);
    const token = await makeTenant(location);
    let server = await startServer(settings, { cwd: location.directory });
    const made = await asked(server, token, '/v1/repositories', { name: 'tool' });
    await asked(server, token, '/v1/webhooks', { name: 'all', url: receiver.url, events: ['push'], dialect: 'github', secret: null });
    const directory = join(location.directory, 'repositories', `${String(made['id'])}.git`);
    const run: Run = { options, settings, token, directory, answered: new Set(), asked: 0, open: 0, movedAtKill: 0 };
    const clients = Array.from({ length: clientsCount }, (_, at) => createClient(run, at));
    for (let kill = 1; kill <= kills; kill += 1) {
      await loadAndKill(server, { run, clients, withGit: kill % 2 === 0 });
      options.say?.(`kill ${kill} of ${kills}: ${run.answered.size} of ${run.asked} answered so far, ${run.movedAtKill} moved at a kill`);
      server = await startServer(settings, { cwd: location.directory });
    }
    const stuck = await lastPushes(server, run);
    await settled(run, receiver);
    await server.stop();
    return await outcomeOf(run, { receiver, stuck });
  } finally {
    await receiver.close();
  }
}

function settingsOf({ directory, url }: DatabaseLocation): Record<string, string> {
  return {
    GATEPOST_DATA: directory,
    GATEPOST_SECRET_KEY: secretKey,
    GATEPOST_WEBHOOKS_ALLOW: '127.0.0.1',
    GATEPOST_RETRY_INTERVAL: '1s',
    ...(url === undefined ? {} : { DATABASE_URL: url }),
  };
}

async function makeTenant(location: DatabaseLocation): Promise<string> {
  const database = await openDatabase(location, 'tool');
  try {
    const made = await database.write((tx) =>
      createOrganization({ tx, name: 'Kills', actor: 'cli', ids: createIdentifiers(), clock: systemClock }),
    );
    return made.token.token;
  } finally {
    await database.close();
  }
}

async function asked(server: ServerProcess, token: string, path: string, body: unknown): Promise<Record<string, unknown>> {
  const answer = await fetch(server.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

interface Client {
  /** Pushes once, of whatever kind; answers false where the line was cut. */
  push(url: string): Promise<boolean>;
}

let commits = 0;

/** Refs of its own, and one that all want. What they are is looked up before each push, as git does. */
function createClient(run: Run, at: number): Client {
  const own = ['main', 'topic/a', 'topic/b'].map((name) => `refs/heads/c${at}/${name}`);
  const tags = ['v1', 'v2'].map((name) => `refs/tags/c${at}/${name}`);
  const shared = 'refs/heads/shared';
  const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;
  const wanted = (): readonly string[] => {
    const chance = Math.random();
    if (chance < 0.4) return [pick(own)];
    if (chance < 0.6) return [shared];
    if (chance < 0.8) return [pick(own), pick(tags)];
    return [...own, ...tags];
  };
  return {
    async push(url) {
      const refs = wanted();
      const values = await readRefs(run.directory, refs);
      const objects: GitObject[] = [];
      const commands = refs.map((ref): RefCommand => {
        const before = values.get(ref) ?? zeroId;
        if (before !== zeroId && ref !== shared && Math.random() < 0.15) return { ref, before, after: zeroId };
        commits += 1;
        const made = commitObjects({ text: `commit ${commits}`, parents: Math.random() < 0.2 ? [] : [before] });
        objects.push(...made);
        return { ref, before, after: made[0]?.id ?? zeroId };
      });
      run.asked += commands.length;
      // Large ones go another way than small ones.
      if (objects.length > 0 && Math.random() < 0.3) objects.push(gitObject('blob', randomBytes(largeBytes)));
      const pack = objects.length === 0 ? null : packOf(objects);
      try {
        const { report } = await sendPush(`${url}/git/kills/tool.git`, run.token, pushBody({ commands, pack }));
        for (const command of commands) if (report?.refs.get(command.ref) === null) run.answered.add(moveText(command));
        return true;
      } catch {
        return false;
      }
    },
  };
}

interface Load {
  readonly run: Run;
  readonly clients: readonly Client[];
  readonly withGit: boolean;
}

async function loadAndKill(server: ServerProcess, { run, clients, withGit }: Load): Promise<void> {
  const begun = Promise.withResolvers<void>();
  const pushing = clients.map(async (client) => {
    while (await client.push(server.url)) begun.resolve();
  });
  // On a busy machine a life would else be over before anything happens in it.
  await Promise.race([begun.promise, sleep(beginMsMax)]);
  await sleep(Math.random() * run.options.lifeMsMax);
  await server.kill();
  if (withGit) killGit(run.directory);
  await Promise.all(pushing);
  await lookAtIntents(run);
}

/** Every process that works in the repository, at once. */
function killGit(directory: string): void {
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      if (readlinkSync(`/proc/${name}/cwd`).startsWith(directory)) process.kill(Number(name), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

async function inDatabase<T>({ options }: Run, look: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(options.location, 'tool');
  try {
    return await look(database);
  } finally {
    await database.close();
  }
}

/** How often a kill hit what this is about. */
async function lookAtIntents(run: Run): Promise<void> {
  const rows = await inDatabase(run, ({ read }) => read.selectFrom('ref_intents').select('commands').execute());
  const commands = rows.flatMap((row) => JSON.parse(row.commands) as readonly RefCommand[]);
  const values = await readRefs(
    run.directory,
    commands.map(({ ref }) => ref),
  );
  run.open += rows.length;
  run.movedAtKill += commands.filter(({ ref, after }) => values.get(ref) === after).length;
}

/** Each ref there is can still be pushed to, and one that is not there be made. */
async function lastPushes(server: ServerProcess, run: Run): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('git', ['for-each-ref', '--format=%(refname)'], { cwd: run.directory });
  const refs = [...stdout.split('\n').filter((ref) => ref !== ''), 'refs/heads/last'];
  const values = await readRefs(run.directory, refs);
  const objects: GitObject[] = [];
  const commands = refs.map((ref): RefCommand => {
    const before = values.get(ref) ?? zeroId;
    const made = commitObjects({ text: `last of ${ref}`, parents: [before] });
    objects.push(...made);
    return { ref, before, after: made[0]?.id ?? zeroId };
  });
  const { report } = await sendPush(`${server.url}/git/kills/tool.git`, run.token, pushBody({ commands, pack: packOf(objects) }));
  const done = commands.filter(({ ref }) => report?.refs.get(ref) === null);
  for (const command of done) run.answered.add(moveText(command));
  return commands.filter((command) => !done.includes(command)).map(({ ref }) => `${ref}: ${report?.refs.get(ref) ?? 'no report'}`);
}

const pushesOf = async ({ read }: Database): Promise<readonly PushFacts[]> => {
  const rows = await read.selectFrom('events').select('facts').where('kind', '=', 'push').orderBy('id').execute();
  return rows.map(({ facts }) => JSON.parse(facts) as PushFacts);
};

async function settled(run: Run, receiver: PushReceiver): Promise<void> {
  const until = Date.now() + settleMsMax;
  await inDatabase(run, async (database) => {
    const events = (await pushesOf(database)).length;
    while (receiver.received.size < events && Date.now() < until) await sleep(100);
  });
}

interface End {
  readonly receiver: PushReceiver;
  readonly stuck: readonly string[];
}

const outcomeOf = (run: Run, { receiver, stuck }: End): Promise<PushKillOutcome> =>
  inDatabase(run, async (database) => {
    const events = await pushesOf(database);
    const told = new Set(events.map(moveText));
    const open = await database.read.selectFrom('ref_intents').select('id').execute();
    const { stdout, stderr } = await promisify(execFile)('git', ['fsck', '--full', '--strict', '--no-dangling'], { cwd: run.directory });
    return {
      kills: run.options.kills,
      asked: run.asked,
      answered: run.answered.size,
      events: events.length,
      open: run.open,
      movedAtKill: run.movedAtKill,
      lost: [...run.answered].filter((move) => !told.has(move)),
      broken: await brokenChains(run.directory, events),
      notReceived: [...told].filter((move) => !receiver.received.has(move)),
      strange: [...receiver.received.keys()].filter((move) => !told.has(move)),
      repeated: [...receiver.received.values()].filter((times) => times > 1).length,
      leftOpen: open.length,
      fsck: (stdout + stderr).trim(),
      stuck,
    };
  });

async function brokenChains(directory: string, events: readonly PushFacts[]): Promise<readonly string[]> {
  const tips = new Map<string, string>();
  const broken: string[] = [];
  for (const event of events) {
    const tip = tips.get(event.ref) ?? zeroId;
    if (event.before !== tip || event.before === event.after) broken.push(`${moveText(event)}, it was ${tip.slice(0, 8)}`);
    tips.set(event.ref, event.after);
  }
  const { stdout } = await promisify(execFile)('git', ['for-each-ref', '--format=%(refname) %(objectname)'], { cwd: directory });
  const real = new Map(stdout.split('\n').map((line) => [line.slice(0, -41), line.slice(-40)]));
  for (const ref of new Set([...tips.keys(), ...real.keys()])) {
    const is = real.get(ref) ?? zeroId;
    if (ref !== '' && (tips.get(ref) ?? zeroId) !== is) broken.push(`${ref} is ${is.slice(0, 8)}, its last event says otherwise`);
  }
  return broken;
}
