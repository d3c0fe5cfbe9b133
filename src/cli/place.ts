import type { Configuration } from '../configuration.ts';
import { readConfiguration } from '../configuration.ts';
import type { Database } from '../storage/database/database.ts';
import type { DatabaseLocation } from '../storage/database/open.ts';
import { openDatabase } from '../storage/database/open.ts';

/** Where a verb that works on the data itself finds it. */
export interface Place {
  readonly configuration: Configuration;
  readonly location: DatabaseLocation;
}

export function findPlace(environment: Readonly<Record<string, string | undefined>>): Place {
  const configuration = readConfiguration(environment);
  return { configuration, location: { directory: configuration.data, url: configuration.databaseUrl ?? undefined } };
}

/** Opens the database beside a server that may be running, and closes it afterwards, come what may. */
export async function withDatabase<T>(location: DatabaseLocation, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(location, 'tool');
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
