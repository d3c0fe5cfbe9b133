import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Configuration } from '../configuration.ts';
import type { OnRecorded } from '../events/record.ts';
import type { FindCaller } from '../http/authentication.ts';
import type { HttpServer } from '../http/http-server.ts';
import type { Identifiers } from '../identifiers.ts';
import type { DeletionStep } from '../organizations/deletion.ts';
import type { Periodic } from '../periodic.ts';
import type { Database } from '../storage/database/database.ts';
import type { Removal } from './deletion.ts';
import { createRemoval, repositoryDeletionSteps } from './deletion.ts';
import { gitRoutes } from './fetch/routes.ts';
import { repositoriesForWebhooks } from './for-webhooks.ts';
import { createGit } from './git/create.ts';
import type { Git } from './git/git.ts';
import { createHousekeeping } from './git/housekeeping.ts';
import { pageRoutes } from './pages/routes.ts';
import { createPulls } from './pulls/create.ts';
import { pushOf } from './pushes.ts';
import { createReceive } from './receive/receive.ts';
import { createRefs } from './refs/create.ts';
import type { Refs } from './refs/refs.ts';
import { refRoutes } from './routes-refs.ts';
import { repositoryRoutes } from './routes.ts';
import { tagOf } from './tag-of.ts';

export interface RepositoriesOptions {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly log: Logger;
  readonly onRecorded: OnRecorded;
  /** Events were recorded: called after the commit. */
  readonly recorded: () => void;
  /** The public base URL of this server, once it is known. */
  readonly serverUrl: () => string;
  /** What other nouns delete when a repository goes: its webhooks and events. */
  readonly deletionSteps: readonly DeletionStep[];
}

/** The git side as app.ts sees it. */
export interface Repositories {
  readonly git: Git;
  readonly refs: Refs;
  /** What is done to repositories when a project or an organization goes. */
  readonly deletionSteps: readonly DeletionStep[];
  readonly forWebhooks: ReturnType<typeof repositoriesForWebhooks>;
  routes(server: HttpServer, findCaller: FindCaller): Promise<void>;
  /** The push that brought a commit to a repository of this project; null: none is known. */
  pushOf(named: { readonly organization: string; readonly project: string; readonly revision: string }): ReturnType<typeof pushOf>;
  /** The version tag of a commit in a repository of this project, or null. */
  tagOf(named: { readonly organization: string; readonly project: string; readonly revision: string }): Promise<string | null>;
  /** Settles what the last run left, then takes requests. Called once it is known where this server can be reached. */
  start(): Promise<void>;
  stop(graceMs: number): Promise<void>;
}

/** Builds the git side: git itself, what moves refs, pull requests, and their routes. Where there is no git it says so once, and goes on without. */
export async function createRepositories(options: RepositoriesOptions): Promise<Repositories> {
  const { configuration, database, clock, log } = options;
  const { repositoryBytesMax: bytesMax, objectBytesMax, refsMax, data } = configuration;
  const limitsMax = { bytesMax, objectBytesMax, refsMax };
  const { gitProgram: program, gitAtOnce: serving, gitMemory: memoryBytesMax } = configuration;
  const git = await createGit({ data, program, serving, memoryBytesMax, log });
  const housekeeping = createHousekeeping({ git, database, clock, log });
  if (git.problem !== null) log.warn({ problem: git.problem }, 'git.missing');
  const refs = createRefs({ ...options, git });
  const pulls = createPulls({ ...options, git, refs, publicUrl: options.serverUrl });
  refs.onMoved(pulls.listener);
  const { planFor, openOf: openPulls, whatCame } = pulls;
  const receive = createReceive({ database, git, journal: refs.journal, limitsMax, pulls: planFor, openPulls, whatCame });
  const removal = createRemoval({ database, git, clock, log, steps: options.deletionSteps });
  const started = Promise.withResolvers<void>();
  const named = { read: database.read };
  return {
    git,
    refs,
    deletionSteps: repositoryDeletionSteps({ clock, marked: () => removal.nudge() }),
    forWebhooks: repositoriesForWebhooks({ database, git }),
    async routes(server, findCaller) {
      await server.register(async (scope) => {
        // What the last run left of a push must be recorded before anybody asks for, or moves, that ref.
        scope.addHook('onRequest', () => started.promise);
        await gitRoutes(scope, { database, git, findCaller, receive });
        repositoryRoutes(scope, { ...options, git, limitsMax, removal });
        refRoutes(scope, { database, git, refs });
        pulls.routes(scope);
        await pageRoutes(scope, { database, git, pulls, findCaller });
      });
    },
    pushOf: (asked) => pushOf({ ...named, ...asked }),
    tagOf: (asked) => tagOf({ database, git, ...asked }),
    async start() {
      await refs.start();
      removal.start();
      housekeeping.start();
      started.resolve();
    },
    stop: (graceMs) => stop({ git, refs, removal, housekeeping }, graceMs),
  };
}

interface Parts {
  readonly git: Git;
  readonly refs: Refs;
  readonly removal: Removal;
  readonly housekeeping: Periodic;
}

async function stop(parts: Parts, graceMs: number): Promise<void> {
  await Promise.all([parts.refs.stop(), parts.removal.stop(), parts.housekeeping.stop()]);
  await parts.git.stop(graceMs);
}
