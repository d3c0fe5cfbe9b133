// `npm run bench -- ingest [--only in,through,latency,profile,fetch] [--rounds 3] [--short]`: SonarQube's webhooks in, and out again, on SQLite.
// Every figure stands beside a bare limit of the same run and what it must show; a bench is no test, so it ends with 0 all the same.
import { parseArgs } from 'node:util';
import type { Context, Figure, Size } from './delivery/context.ts';
import { openContext } from './delivery/context.ts';
import { fetchRow } from './ingest/fetch.ts';
import { inRow } from './ingest/in.ts';
import type { Caller } from './ingest/place.ts';
import { startCaller } from './ingest/place.ts';
import { latencyRow, profileRow, throughRow } from './ingest/through.ts';
import { print } from './load/figures.ts';

const rows: Readonly<Record<string, (context: Context, caller: Caller) => Promise<readonly Figure[]>>> = {
  in: inRow,
  through: throughRow,
  latency: latencyRow,
  profile: profileRow,
  fetch: fetchRow,
};
const whole: Size = { warmUp: 8_000, messages: 20_000, rounds: 3, seconds: 20, parked: 0, longRun: 0 };
const short: Size = { warmUp: 500, messages: 2_000, rounds: 1, seconds: 4, parked: 0, longRun: 0 };

const { values } = parseArgs({
  options: { only: { type: 'string' }, rounds: { type: 'string' }, short: { type: 'boolean', default: false } },
});
const only = values.only?.split(',') ?? Object.keys(rows);
const unknown = only.filter((name) => rows[name] === undefined);
if (unknown.length > 0) {
  print([`No such row: ${unknown.join(', ')}. Rows: ${Object.keys(rows).join(', ')}.`]);
  process.exitCode = 2;
} else {
  await main();
}

async function main(): Promise<void> {
  const size = values.short ? short : whole;
  const context = await openContext('sqlite', { ...size, rounds: Number(values.rounds ?? size.rounds) });
  const caller = await startCaller();
  try {
    print([`SQLite, ${size.messages} webhooks of 1 to 4 KB a run, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`]);
    for (const name of only) print((await figuresOf(name, context, caller)).map(line));
  } finally {
    await caller.close();
    await context.close();
  }
}

/** A row that fails is told and does not keep the others back. */
async function figuresOf(name: string, context: Context, caller: Caller): Promise<readonly Figure[]> {
  try {
    return (await rows[name]?.(context, caller)) ?? [];
  } catch (error) {
    return [{ what: name, found: error instanceof Error ? (error.stack ?? error.message) : String(error), held: false }];
  } finally {
    await context.clear();
  }
}

function line({ what, found, must, held }: Figure): string {
  const bar = must === undefined ? '' : `; must show ${must}`;
  return `${what}: ${found}${bar}${held === undefined ? '' : held ? ': held' : ': NOT held'}`;
}
