// A PostgreSQL of our own for the length of a test run: in a temporary directory, on a free port, gone afterwards.
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { aptInstall, canInstall, findProgram, isExecutable, isRoot } from './system.ts';

export interface TestPostgres {
  readonly url: string;
  stop(): void;
}

/** One of our own, with what is needed to restart it, or to kill it. */
export interface Cluster extends TestPostgres {
  readonly control: string;
  readonly data: string;
  /** The options it was started with. */
  readonly startOptions: readonly string[];
  /** Whom its programs run as; empty: as we do. */
  readonly user: { readonly uid?: number; readonly gid?: number };
}

/** Uses the server that TEST_POSTGRES_URL names, else starts one. Installs PostgreSQL where we may, else says what to install. */
export async function startPostgres(): Promise<TestPostgres> {
  const given = process.env.TEST_POSTGRES_URL;
  if (given !== undefined && given !== '') return { url: given, stop() {} };
  return startCluster();
}

function installBinaries(): string {
  if (canInstall()) {
    aptInstall('postgresql');
    const found = findBinaries();
    if (found !== null) return found;
  }
  throw new Error(
    'The tests need PostgreSQL. Please install it (Debian: apt-get install postgresql), or name a server in TEST_POSTGRES_URL.',
  );
}

/** The folder of `initdb` and `postgres`; Debian keeps them off PATH. */
function findBinaries(): string | null {
  const onPath = findProgram('initdb');
  const debian = globSync('/usr/lib/postgresql/*/bin').toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const folders = [...debian.toReversed(), ...(onPath === null ? [] : [dirname(onPath)])];
  return folders.find((folder) => isExecutable(join(folder, 'initdb')) && isExecutable(join(folder, 'pg_ctl'))) ?? null;
}

/** Always a new one, for tests that take the database away. Installs PostgreSQL where we may. */
export async function startCluster(): Promise<Cluster> {
  const binaries = findBinaries() ?? installBinaries();
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-postgres-'));
  const data = join(directory, 'data');
  const control = (...options: string[]) => asPostgres(directory, join(binaries, 'pg_ctl'), ['-D', data, ...options]);
  const stop = () => {
    try {
      control('stop', '-m', 'immediate', '-s');
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  };
  try {
    if (isRoot()) chownSync(directory, postgresUser().uid, postgresUser().gid);
    asPostgres(directory, join(binaries, 'initdb'), [
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--no-locale',
      '--no-sync',
    ]);
    const port = await freePort();
    // What is tested is what we do between commits, not PostgreSQL's own care for the disk: without fsync the run is much shorter.
    const settings = `-c listen_addresses=127.0.0.1 -p ${port} -c unix_socket_directories=${directory} -c fsync=off -c max_connections=200`;
    const startOptions = ['-w', '-s', '-o', settings, '-l', join(directory, 'log')];
    control('start', ...startOptions);
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    return { url, stop, control: join(binaries, 'pg_ctl'), data, startOptions, user: isRoot() ? postgresUser() : {} };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

/** PostgreSQL refuses to run as root, so there it runs as the user that its package made. */
function asPostgres(directory: string, program: string, options: readonly string[]): void {
  const user = isRoot() ? postgresUser() : {};
  execFileSync(program, options, {
    ...user,
    cwd: directory,
    env: { ...process.env, HOME: directory },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function postgresUser(): { readonly uid: number; readonly gid: number } {
  const id = (option: string) => Number(spawnSync('id', [option, 'postgres'], { encoding: 'utf8' }).stdout.trim() || '65534');
  return { uid: id('-u'), gid: id('-g') };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}
