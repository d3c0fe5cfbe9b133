import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { startCluster } from '../run/postgres.ts';

const run = promisify(execFile);

/** A PostgreSQL of the test's own, which it may restart, kill, and cut the connections of. */
export interface FaultyPostgres {
  readonly url: string;
  /** `fast` ends what is under way and goes down in order, `immediate` drops everything and recovers at the next start. */
  restart(mode: 'fast' | 'immediate'): Promise<void>;
  /** SIGKILL for the server, then a start; answers once it takes connections. */
  kill(): Promise<void>;
  /** Ends every connection of our servers and answers how many there were. */
  cut(): Promise<number>;
  stop(): Promise<void>;
}

const startTriesMax = 40;
const againMs = 250;

export async function startFaultyPostgres(): Promise<FaultyPostgres> {
  const cluster = await startCluster();
  const control = async (...options: readonly string[]): Promise<void> => {
    // A server started by it keeps the channels it is given, so it is given none: else `run` waits for the server's end.
    const command = `exec "$0" "$@" >/dev/null 2>&1 </dev/null`;
    await run('sh', ['-c', command, cluster.control, '-D', cluster.data, ...options], { ...cluster.user, cwd: dirname(cluster.data) });
  };
  const stop = (): void => {
    try {
      cluster.stop();
    } catch {
      // It was down already.
    }
  };
  // A run that is ended from outside leaves no database behind.
  const ended = (): void => {
    stop();
    process.exit(143);
  };
  process.once('SIGTERM', ended);
  return {
    url: cluster.url,
    restart: (mode) => control('restart', '-m', mode, ...cluster.startOptions),
    async kill() {
      process.kill(Number((await readFile(join(cluster.data, 'postmaster.pid'), 'utf8')).split('\n')[0]), 'SIGKILL');
      // Its children go when they notice that it is gone; until then a start is refused.
      await repeated(() => control('start', ...cluster.startOptions));
    },
    async cut() {
      const client = new pg.Client({ connectionString: cluster.url });
      await client.connect();
      try {
        const others = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'gatepost%'";
        return (await client.query(others)).rowCount ?? 0;
      } finally {
        await client.end();
      }
    },
    async stop() {
      process.off('SIGTERM', ended);
      stop();
    },
  };
}

async function repeated(step: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await step();
    } catch (error) {
      if (tries >= startTriesMax) throw error;
      await sleep(againMs);
    }
  }
}
