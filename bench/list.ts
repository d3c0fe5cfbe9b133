// `npm run bench -- list [--reports 1000000] [--large 100000] [--pairs 5] [--ms 1000]`: pages of 100 of the list call with a version range,
// first and deep, of one large organization and over all of them, against a bare Fastify route that makes JSON of the same objects from
// memory; and against the same call on a hundredth of the reports. PostgreSQL is told beside it where TEST_POSTGRES_URL is set.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { openDatabase } from '../src/storage/database/open.ts';
import { fill, organizationId, reportsOfOrganization } from './list/fill.ts';
import { bar, median, print } from './load/figures.ts';
import type { ServerProcess } from './load/process.ts';
import { startServer } from './load/process.ts';
import { load } from './load/requests.ts';

const ratioMin = 0.5;
const growthMax = 1.3;
const connections = 32;

const { values } = parseArgs({
  options: {
    reports: { type: 'string', default: '1000000' },
    large: { type: 'string', default: '100000' },
    pairs: { type: 'string', default: '5' },
    ms: { type: 'string', default: '1000' },
  },
});
const pairs = Number(values.pairs);
const ms = Number(values.ms);
const serverModule = new URL('list/server.ts', import.meta.url);

const directory = mkdtempSync(join(tmpdir(), 'gatepost-bench-'));
try {
  await main(Number(values.reports), Number(values.large));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function main(reports: number, large: number): Promise<void> {
  const organizations = Math.max(1, Math.round(reports / reportsOfOrganization));
  const whole = await prepare({ name: 'whole', organizations, large });
  const hundredth = await prepare({
    name: 'hundredth',
    organizations: Math.max(1, Math.round(organizations / 100)),
    large: Math.round(large / 100),
  });
  const sample = join(directory, 'sample.json');
  writeFileSync(sample, await text(whole.server, pathOf(0)));
  const bare = await startServer(serverModule, ['bare', sample]);
  try {
    await compare(whole, hundredth, bare);
  } finally {
    await Promise.all([whole.server.stop(), hundredth.server.stop(), bare.stop()]);
  }
  if (process.env['TEST_POSTGRES_URL'] !== undefined) await postgres(process.env['TEST_POSTGRES_URL'], { organizations, large, sample });
}

interface Prepared {
  readonly server: ServerProcess;
  readonly total: number;
  readonly scenarios: Scenarios;
}

/** What is asked for, by name. */
interface Scenarios {
  readonly first: readonly string[];
  readonly deep: readonly string[];
  readonly all: readonly string[];
}

interface Size {
  readonly name: string;
  readonly organizations: number;
  readonly large: number;
  readonly url?: string;
}

async function prepare({ name, organizations, large, url }: Size): Promise<Prepared> {
  const place = { directory: join(directory, name), url };
  const database = await openDatabase(place, 'server');
  const total = await fill(database, { organizations, largeReports: large });
  await database.close();
  const server = await startServer(serverModule, ['ours', place.directory, ...(url === undefined ? [] : [url])]);
  return { server, total, scenarios: await scenariosOf(server, organizations, large) };
}

/** The version range holds nearly all, so that a deep page is truly deep. */
function pathOf(organization: number): string {
  return `/security/report/list?org=${organizationId(organization)}&minver=1.100&maxver=1.9999&limit=100`;
}

async function scenariosOf(server: ServerProcess, organizations: number, large: number): Promise<Scenarios> {
  const walk = await cursors(server, pathOf(0), Math.floor(large / 100) - 2);
  const all: string[] = [];
  // Each organization's first page and one behind a cursor.
  for (let number = 1; number <= organizations; number += 1) all.push(...(await cursors(server, pathOf(number), 2)));
  return { first: [pathOf(0)], deep: walk.slice(-Math.max(1, Math.floor(walk.length / 10))), all };
}

/** The paths of the first pages, as their links lead. */
async function cursors(server: ServerProcess, first: string, count: number): Promise<string[]> {
  const paths = [first];
  for (let path: string | undefined = first; path !== undefined && paths.length < count; ) {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
    await answer.arrayBuffer();
    path = /<http:\/\/[^/]+([^>]+)>/.exec(answer.headers.get('link') ?? '')?.[1];
    if (path !== undefined) paths.push(path);
  }
  return paths;
}

async function text(server: ServerProcess, path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${server.port}${path}`)).text();
}

async function run(server: ServerProcess, paths: readonly string[]): Promise<number> {
  return (await load({ port: server.port, paths, connections, ms })).perSecond;
}

async function compare(whole: Prepared, hundredth: Prepared, bare: ServerProcess): Promise<void> {
  const lines = [
    `reports     ${whole.total} and ${hundredth.total}, pages of 100, SQLite; median of ${pairs} interleaved pairs of ${ms} ms, ${connections} connections`,
  ];
  for (const name of ['first', 'deep', 'all'] as const) {
    const [ours, less, limit]: [number[], number[], number[]] = [[], [], []];
    // Once for nothing: code that was not yet compiled would be counted against whoever comes first.
    await run(whole.server, whole.scenarios[name]);
    await run(bare, ['/']);
    await run(hundredth.server, hundredth.scenarios[name]);
    for (let pair = 0; pair < pairs; pair += 1) {
      ours.push(await run(whole.server, whole.scenarios[name]));
      limit.push(await run(bare, ['/']));
      less.push(await run(hundredth.server, hundredth.scenarios[name]));
    }
    const ratio = median(ours.map((value, pair) => value / (limit[pair] ?? Number.NaN)));
    const growth = median(ours.map((value, pair) => (less[pair] ?? Number.NaN) / value));
    lines.push(
      `${name.padEnd(6)}      ${median(ours).toFixed(0)} requests/s; bare ${median(limit).toFixed(0)}; with a hundredth of the reports ${median(less).toFixed(0)}`,
      bar(ratio >= ratioMin, `            ${ratio.toFixed(2)} of bare, at least ${ratioMin}`),
      bar(growth <= growthMax, `            ${growth.toFixed(2)} times the time of a hundredth, at most ${growthMax}`),
    );
  }
  print(lines);
}

async function postgres(
  server: string,
  { organizations, large, sample }: { readonly organizations: number; readonly large: number; readonly sample: string },
): Promise<void> {
  const name = `gatepost_bench_${randomBytes(6).toString('hex')}`;
  await administer(server, `create database ${name}`);
  try {
    const url = new URL(server);
    url.pathname = `/${name}`;
    const whole = await prepare({ name: 'postgres', organizations, large, url: url.href });
    const bare = await startServer(serverModule, ['bare', sample]);
    try {
      for (const scenario of ['first', 'deep', 'all'] as const) {
        const [ours, limit]: [number[], number[]] = [[], []];
        for (let pair = 0; pair < pairs; pair += 1) {
          ours.push(await run(whole.server, whole.scenarios[scenario]));
          limit.push(await run(bare, ['/']));
        }
        const ratio = median(ours.map((value, pair) => value / (limit[pair] ?? Number.NaN)));
        print([`PostgreSQL  ${scenario.padEnd(6)}${median(ours).toFixed(0)} requests/s, ${ratio.toFixed(2)} of bare`]);
      }
    } finally {
      await Promise.all([whole.server.stop(), bare.stop()]);
    }
  } finally {
    await administer(server, `drop database ${name} with (force)`);
  }
}

async function administer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  await client.query(statement);
  await client.end();
}
