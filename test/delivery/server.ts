import { join } from 'node:path';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import type { LoadOptions, Loaded } from './load.ts';
import type { Child } from './process.ts';
import { startChild } from './process.ts';
import type { Profile } from './profiler.ts';
import type { Delay, DeliveryServerReady, Usage } from './server-process.ts';

export type { Delay, Usage } from './server-process.ts';

/** A real server in a process of its own that also takes `POST /test/events` and questions about itself. */
export interface DeliveryServer {
  /** Empty until it was started. */
  readonly url: string;
  readonly child: Child<DeliveryServerReady>;
  readonly pid: number;
  /** Takes requests and begins to deliver; done already unless it was `held`. */
  start(): Promise<void>;
  /** Records events inside the server's process, and answers when the last is recorded durably. */
  load(options: LoadOptions): Promise<Loaded>;
  usage(): Promise<Usage>;
  /** Runs what is given and answers how long the server's loop was away meanwhile, in milliseconds. */
  delayWhile(work: () => Promise<void>): Promise<Delay>;
  /** Runs what is given and answers what each of the server's threads did meanwhile. */
  profileWhile(work: () => Promise<void>): Promise<readonly Profile[]>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
}

export interface DeliveryServerOptions {
  readonly location: DatabaseLocation;
  /** Settings and what a shim needs, over those that every server here gets. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Built, and not started: nothing is sent. */
  readonly held?: boolean;
  readonly through?: readonly string[];
  readonly nodeOptions?: readonly string[];
  readonly logFile?: string;
}

export const secretKey = Buffer.alloc(32, 7).toString('base64');

/** Starts a server over this place, which may send to 127.0.0.1. Answers once it takes requests. */
export async function startDeliveryServer(options: DeliveryServerOptions): Promise<DeliveryServer> {
  const { location, settings = {}, held = false, through, nodeOptions, logFile } = options;
  const child = await startChild<DeliveryServerReady>({
    module: new URL('server-process.ts', import.meta.url),
    args: held ? ['held'] : [],
    environment: {
      GATEPOST_DATA: location.directory,
      GATEPOST_PORT: '0',
      GATEPOST_WEBHOOKS_ALLOW: '127.0.0.1',
      GATEPOST_SECRET_KEY: secretKey,
      ...(location.url === undefined ? {} : { DATABASE_URL: location.url }),
      ...settings,
    },
    cwd: location.directory,
    ...(through === undefined ? {} : { through }),
    ...(nodeOptions === undefined ? {} : { nodeOptions }),
    ...(logFile === undefined ? {} : { logFile }),
  });
  let { url } = child.ready;
  return {
    get url() {
      return url;
    },
    child,
    pid: child.ready.pid,
    async start() {
      url = await child.ask<string>('start');
    },
    load: (load) => child.ask('load', load),
    usage: () => child.ask('usage'),
    async delayWhile(work) {
      await child.ask('delayBegins');
      await work();
      return child.ask('delayEnds');
    },
    async profileWhile(work) {
      await child.ask('profileBegins');
      await work();
      return child.ask('profileEnds');
    },
    kill: child.kill,
    stop: child.stop,
  };
}

/** Where a bench lets a server write its log: as in production, not through the one who asks. */
export function logFileOf(location: DatabaseLocation): string {
  return join(location.directory, 'server.log');
}
