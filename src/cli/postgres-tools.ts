import { spawn } from 'node:child_process';
import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { GatepostError } from '../errors.ts';

/** Writes all of a PostgreSQL database to a file, as it is at one moment. Fails with `pg_dump_missing` and `pg_dump_failed`. */
export async function dumpPostgres(url: string, to: string): Promise<void> {
  await run('pg_dump', ['--format=custom', '--no-owner', '--no-privileges', `--file=${to}`], url);
}

/** Puts such a file into an empty database: all of it or nothing. */
export async function restorePostgres(url: string, from: string): Promise<void> {
  const { database } = connectionOf(url);
  const options = ['--no-owner', '--no-privileges', '--exit-on-error', '--single-transaction'];
  await run('pg_restore', [...options, `--dbname=${database}`, from], url);
}

async function run(name: string, options: readonly string[], url: string): Promise<void> {
  const program = findTool(name);
  if (program === null) {
    throw new GatepostError(
      'unavailable',
      `${name}_missing`,
      `${name} was not found on PATH. It comes with PostgreSQL's client programs (Debian: apt-get install postgresql-client).`,
    );
  }
  // The password goes by the environment: what stands on a command line is seen by everybody on the machine.
  const child = spawn(program, options, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...connectionOf(url).environment } });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new GatepostError('unavailable', `${name}_failed`, `${name} failed: ${said.trim()}`);
}

function findTool(name: string): string | null {
  const newestFirst = globSync('/usr/lib/postgresql/*/bin').toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), ...newestFirst];
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function connectionOf(url: string): { readonly database: string; readonly environment: Readonly<Record<string, string>> } {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const database = decodeURIComponent(pathname.slice(1)) || decodeURIComponent(username) || 'postgres';
  const entries = {
    PGHOST: searchParams.get('host') ?? hostname.replaceAll(/^\[|\]$/g, ''),
    PGPORT: port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: database,
    PGSSLMODE: searchParams.get('sslmode') ?? '',
    PGSSLROOTCERT: searchParams.get('sslrootcert') ?? '',
  };
  return { database, environment: Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== '')) };
}
