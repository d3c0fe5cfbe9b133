import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Database } from '../src/storage/database/database.ts';
import type { DatabaseLocation } from '../src/storage/database/open.ts';
import { openDatabase } from '../src/storage/database/open.ts';

interface Context {
  after(step: () => Promise<void>): void;
}

export type Engine = 'sqlite' | 'postgres';
export const engines: readonly Engine[] = ['sqlite', 'postgres'];

/**
 * A new, empty place for a database of that kind, gone after the test. PostgreSQL is never left out: where `TEST_POSTGRES_URL` is missing the
 * test fails and says what to do.
 */
export async function newLocation(context: Context, engine: Engine): Promise<DatabaseLocation> {
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-test-'));
  context.after(() => rm(directory, { recursive: true, force: true }));
  if (engine === 'sqlite') return { directory };
  const server = process.env['TEST_POSTGRES_URL'];
  if (server === undefined)
    throw new Error('TEST_POSTGRES_URL is not set. Run the tests by `npm test`, which brings PostgreSQL, or point it at one.');
  const name = `gatepost_${randomBytes(8).toString('hex')}`;
  await administer(server, `create database ${name}`);
  context.after(() => administer(server, `drop database if exists ${name} with (force)`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { directory, url: url.href };
}

async function administer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Runs the same tests on both databases: `open` gives a new, migrated one that is closed and gone after the test. */
export function eachDatabase(define: (open: (context: Context) => Promise<Database>, engine: Engine) => void): void {
  for (const engine of engines) {
    define(async (context) => {
      // Closed first, removed after: hooks run in the order they were given.
      const steps: (() => Promise<void>)[] = [];
      context.after(async () => {
        for (const step of steps.toReversed()) await step();
      });
      const location = await newLocation({ after: (step) => void steps.push(step) }, engine);
      const database = await openDatabase(location, 'server');
      steps.push(() => database.close());
      return database;
    }, engine);
  }
}
