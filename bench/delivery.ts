// `npm run bench -- delivery [--only drain,recorded] [--engine sqlite|postgres] [--rounds 3] [--messages 20000] [--short]`: the delivery engine
// beside the bare client of the same run. Every figure is told with what it must show; a bench is no test, so it ends with 0 all the same.
import { parseArgs } from 'node:util';
import type { Engine } from '../test/databases.ts';
import { engines } from '../test/databases.ts';
import type { Context, Figure, Row, Size } from './delivery/context.ts';
import { openContext } from './delivery/context.ts';
import { drain } from './delivery/drain.ts';
import { fanOut } from './delivery/fan-out.ts';
import { hanging } from './delivery/hanging.ts';
import { killed } from './delivery/killed.ts';
import { latency } from './delivery/latency.ts';
import { memory } from './delivery/memory.ts';
import { parked } from './delivery/parked.ts';
import { profile, recorded } from './delivery/recorded.ts';
import { slowDisk } from './delivery/slow-disk.ts';
import { print } from './load/figures.ts';

const rows: readonly Row[] = [drain, recorded, profile, latency, killed, hanging, slowDisk, parked, fanOut, memory];
const whole: Size = { warmUp: 8_000, messages: 20_000, rounds: 3, seconds: 20, parked: 1_000_000, longRun: 200_000 };
const short: Size = { warmUp: 500, messages: 2_000, rounds: 1, seconds: 4, parked: 50_000, longRun: 5_000 };

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    engine: { type: 'string' },
    rounds: { type: 'string' },
    messages: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
});

const known = rows.map((row) => row.name);
const only = values.only?.split(',') ?? known;
const unknown = [
  ...only.filter((name) => !known.includes(name)),
  ...(values.engine ?? '').split(',').filter((name) => name !== '' && !isEngine(name)),
];
if (unknown.length > 0) {
  print([`No such row or engine: ${unknown.join(', ')}. Rows: ${known.join(', ')}; engines: ${engines.join(', ')}.`]);
  process.exitCode = 2;
} else {
  await main();
}

function isEngine(name: string): name is Engine {
  return engines.some((engine) => engine === name);
}

async function main(): Promise<void> {
  const size = values.short ? short : whole;
  const wanted = {
    ...size,
    rounds: Number(values.rounds ?? size.rounds),
    messages: Number(values.messages ?? size.messages),
  };
  for (const engine of (values.engine?.split(',') ?? engines).filter(isEngine)) {
    if (engine === 'postgres' && process.env['TEST_POSTGRES_URL'] === undefined) {
      print(['PostgreSQL: left out, since TEST_POSTGRES_URL is not set.']);
      continue;
    }
    await all(engine, wanted);
  }
}

async function all(engine: Engine, size: Size): Promise<void> {
  const context = await openContext(engine, size);
  try {
    print([
      `${engine === 'sqlite' ? 'SQLite' : 'PostgreSQL'}, ${size.messages} messages of 1 KB a run, median (least–most) of ${size.rounds}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
    ]);
    for (const row of rows.filter(({ name }) => only.includes(name))) print((await figuresOf(row, context)).map(line));
  } finally {
    await context.close();
  }
}

/** A row that fails is told and does not keep the others back. */
async function figuresOf(row: Row, context: Context): Promise<readonly Figure[]> {
  try {
    return await row.run(context);
  } catch (error) {
    return [{ what: row.name, found: error instanceof Error ? (error.stack ?? error.message) : String(error), held: false }];
  } finally {
    await context.clear();
  }
}

function line({ what, found, must, held }: Figure): string {
  const bar = must === undefined ? '' : `; must show ${must}`;
  return `${what}: ${found}${bar}${held === undefined ? '' : held ? ': held' : ': NOT held'}`;
}
