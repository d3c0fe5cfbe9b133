import { fileURLToPath } from 'node:url';
import type { Engine } from '../../test/databases.ts';
import { newLocation } from '../../test/databases.ts';
import type { Loaded } from '../../test/delivery/load.ts';
import type { Child } from '../../test/delivery/process.ts';
import { startChild } from '../../test/delivery/process.ts';
import type { Receiver } from '../../test/delivery/receiver.ts';
import { startReceiver } from '../../test/delivery/receiver.ts';
import type { DeliveryServer, DeliveryServerOptions } from '../../test/delivery/server.ts';
import { logFileOf, startDeliveryServer } from '../../test/delivery/server.ts';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import type { BareOptions, Sent } from './bare.ts';
import type { DriverOptions } from './driver.ts';

/** How much a run does: the whole form, or one that only shows that everything works. */
export interface Size {
  /** Recorded and delivered before anything is measured: code that was not yet compiled would be counted. */
  readonly warmUp: number;
  readonly messages: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly parked: number;
  readonly longRun: number;
}

/** What a row of the bench is run with. */
export interface Context {
  readonly engine: Engine;
  readonly size: Size;
  readonly receiver: Receiver;
  /** What the bare client sends to the receiver in a second. */
  bareRate(): Promise<number>;
  bareSend(options: Omit<BareOptions, 'origin'>): Promise<Sent>;
  drive(server: DeliveryServer, options: Omit<DriverOptions, 'port'>): Promise<Loaded>;
  /** A new, empty database. */
  newLocation(): Promise<DatabaseLocation>;
  startServer(location: DatabaseLocation, options?: Omit<DeliveryServerOptions, 'location'>): Promise<DeliveryServer>;
  /** Tells what is being done, on stderr. */
  say(text: string): void;
  /** Ends what was begun since the last time. */
  clear(): Promise<void>;
}

/** One line of the answer. */
export interface Figure {
  readonly what: string;
  readonly found: string;
  /** What it must show, where there is such a thing, and whether it does. */
  readonly must?: string;
  readonly held?: boolean;
}

export interface Row {
  readonly name: string;
  readonly run: (context: Context) => Promise<readonly Figure[]>;
}

export const bareConnections = 64;
const bareMessages = 20_000;
const bareWarmUp = 8_000;

/** A receiver, a bare client and a caller that serve all rows of one engine. */
export async function openContext(engine: Engine, size: Size): Promise<Context & { close(): Promise<void> }> {
  const receiver = await startReceiver();
  const bare = await startChild({ module: new URL('bare.ts', import.meta.url) });
  const driver = await startChild({ module: new URL('driver.ts', import.meta.url) });
  const steps: (() => Promise<unknown>)[] = [];
  const origin = new URL(receiver.url('ok')).origin;
  const bareSend = (options: Omit<BareOptions, 'origin'>): Promise<Sent> => bare.ask<Sent>('send', { ...options, origin });
  const clear = async (): Promise<void> => {
    for (const step of steps.splice(0).toReversed()) await step();
    await receiver.forget();
  };
  return {
    engine,
    size,
    receiver,
    bareSend,
    clear,
    async bareRate() {
      const path = '/ok/bare';
      await bareSend({ path, count: bareWarmUp, connections: bareConnections });
      const { began, ended } = await bareSend({ path, count: bareMessages, connections: bareConnections });
      await receiver.forget();
      return bareMessages / ((ended - began) / 1000);
    },
    drive: (server, options) => driver.ask<Loaded>('run', { ...options, port: Number(new URL(server.url).port) }),
    newLocation: () => newLocation({ after: (step) => void steps.push(step) }, engine),
    async startServer(location, options = {}) {
      const server = await startDeliveryServer({ logFile: logFileOf(location), ...options, location });
      steps.push(() => server.kill());
      return server;
    },
    say: (text) => void process.stderr.write(`${engine}: ${text}\n`),
    async close() {
      await clear();
      await endAll([driver, bare]);
      await receiver.close();
    },
  };
}

async function endAll(children: readonly Child<unknown>[]): Promise<void> {
  await Promise.all(children.map((child) => child.kill()));
}

/** Where a module of this repository lies, for what is told of a profile. */
export const root = fileURLToPath(new URL('../../', import.meta.url));
