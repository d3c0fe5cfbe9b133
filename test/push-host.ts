import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Logger } from 'pino';
import { pino } from 'pino';
import { systemClock } from '../src/clock.ts';
import type { PushFacts } from '../src/events/git-facts.ts';
import type { Caller } from '../src/http/caller.ts';
import { createHttpServer, stopHttpServer } from '../src/http/server.ts';
import { createIdentifiers } from '../src/identifiers.ts';
import { createOrganization } from '../src/organizations/store.ts';
import { gitRoutes } from '../src/repositories/fetch/routes.ts';
import type { GitOptions } from '../src/repositories/git/create.ts';
import { createGit } from '../src/repositories/git/create.ts';
import type { Git } from '../src/repositories/git/git.ts';
import type { PlanPulls } from '../src/repositories/receive/plan-push.ts';
import type { ReceiveOptions } from '../src/repositories/receive/receive.ts';
import { createReceive } from '../src/repositories/receive/receive.ts';
import type { RefsAndJournal } from '../src/repositories/refs/create.ts';
import { createRefs } from '../src/repositories/refs/create.ts';
import type { Repository } from '../src/repositories/repository.ts';
import { insertRepository, repositoryById } from '../src/repositories/store.ts';
import type { Database } from '../src/storage/database/database.ts';
import { openDatabase } from '../src/storage/database/open.ts';
import { atEnd } from './app.ts';
import type { Engine } from './databases.ts';
import { newLocation } from './databases.ts';

/** A server that takes pushes and nothing else: one organization (`acme`), one repository (`tool`), callers `write`, `read`, `other`. */
export interface PushHost {
  readonly url: string;
  readonly git: Git;
  readonly database: Database;
  readonly refs: RefsAndJournal;
  /** What another process on the same data would have, once this one is stopped. */
  another(git?: Git): RefsAndJournal;
  readonly organization: string;
  /** As it is now. */
  repository(): Promise<Repository>;
  /** A place for the clients' work. */
  readonly directory: string;
  readonly place: string;
  remote(token: string): string;
  /** The facts of all push events, oldest first. */
  pushes(): Promise<readonly PushFacts[]>;
}

export interface PushHostOptions
  extends Partial<Pick<ReceiveOptions, 'limitsMax' | 'pulls' | 'openPulls' | 'whatCame' | 'upload' | 'plainBytesMax'>> {
  readonly engine?: Engine;
  readonly gitOptions?: Partial<GitOptions>;
  /** What stands in for the database from some time on. */
  readonly through?: (database: Database) => Database;
  readonly log?: Logger;
}

const plain: PlanPulls = async ({ commands }) => ({
  commands: commands.map((asked) => ({ asked, command: asked, refused: null })),
  purpose: null,
});
const roomy = { bytesMax: 2 ** 40, objectBytesMax: 2 ** 30, refsMax: 100_000 };

export async function startPushHost(t: TestContext, options: PushHostOptions = {}): Promise<PushHost> {
  const { engine = 'sqlite', through = (one) => one, log = pino({ level: 'silent' }) } = options;
  const location = await newLocation({ after: (step) => atEnd(t, step) }, engine);
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-push-'));
  atEnd(t, () => rm(directory, { recursive: true, force: true }));
  const ids = createIdentifiers();
  const clock = systemClock;
  const opened = await openDatabase(location, 'server');
  atEnd(t, () => opened.close());
  const database = through(opened);
  const git = await createGit({ data: location.directory, ...options.gitOptions });
  atEnd(t, () => git.stop());
  const made = (name: string) => opened.write((tx) => createOrganization({ tx, name, actor: 'cli', ids, clock }));
  const [acme, other] = [await made('acme'), await made('other')];
  const repository = await insertRepository({
    database: opened,
    git,
    organization: acme.organization.id,
    name: 'tool',
    actor: 'cli',
    ids,
    clock,
  });
  const { id } = repository;
  const as = (made: typeof acme, scopes: Caller['scopes']): Caller => {
    const { id: organization, slug } = made.organization;
    return { organization, slug, token: made.token.id, scopes, project: null };
  };
  const callers: Readonly<Record<string, Caller>> = {
    write: as(acme, ['repository:write']),
    read: as(acme, ['repository:read']),
    other: as(other, ['admin']),
  };
  const onRecorded = async (): Promise<void> => undefined;
  const another = (through: Git = git): RefsAndJournal =>
    createRefs({ database, git: through, clock, ids, log, onRecorded, recorded: () => undefined, serverUrl: () => 'http://git.test' });
  const refs = another();
  atEnd(t, () => refs.stop());
  const { limitsMax = roomy, pulls = plain } = options;
  const receive = createReceive({ ...options, database, git, journal: refs.journal, limitsMax, pulls });
  const findCaller = async (token: string): Promise<Caller | null> => callers[token] ?? null;
  const server = await createHttpServer({ log, ids, version: '0.0.0', findCaller });
  await gitRoutes(server, { git, database, findCaller, receive });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  atEnd(t, async () => void (await stopHttpServer(server, 100)));
  const organization = acme.organization.id;
  return {
    url,
    git,
    database: opened,
    refs,
    another,
    organization,
    directory,
    place: git.directory(id),
    remote: (token) => `${url.replace('://', `://someone:${token}@`)}/git/acme/tool.git`,
    async repository() {
      const found = await repositoryById({ read: opened.read, organization, id });
      if (found === null) throw new Error('The repository is gone.');
      return found;
    },
    async pushes() {
      const rows = await opened.read.selectFrom('events').select('facts').where('kind', '=', 'push').orderBy('id').execute();
      return rows.map(({ facts }) => JSON.parse(facts) as PushFacts);
    },
  };
}
