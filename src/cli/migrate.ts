import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase, readSchemaState } from '../storage/database/open.ts';
import { databaseFile } from '../storage/database/sqlite/open.ts';
import type { Call, Command, Outcome } from './command.ts';
import { findPlace } from './place.ts';

export const command: Command = {
  name: 'migrate',
  summary: "Brings the database to this version's schema, as the server does when it starts. Forward only; a newer database is refused.",
  options: { check: { type: 'boolean', help: 'change nothing; end with 1 where something is still to be done' } },
  run,
};

async function run(call: Call): Promise<Outcome> {
  const { location } = findPlace(call.environment);
  const isNew = location.url === undefined && !existsSync(join(location.directory, databaseFile));
  const before = isNew ? null : await readSchemaState(location);
  if (call.flag('check')) {
    const isCurrent = before !== null && before.pending.length === 0 && before.unknown.length === 0;
    const text = before === null ? 'There is no database yet.' : stateText(before);
    return { json: before ?? { applied: [], pending: null, unknown: [] }, text, exitCode: isCurrent ? 0 : 1 };
  }
  const database = await openDatabase(location, 'tool');
  await database.close();
  const after = await readSchemaState(location);
  const done = after.applied.filter((name) => before?.applied.includes(name) !== true);
  const text = done.length === 0 ? 'The database is at this schema already.' : `Done: ${done.join(', ')}.`;
  return { json: { done, applied: after.applied }, text };
}

function stateText({
  applied,
  pending,
  unknown,
}: {
  applied: readonly string[];
  pending: readonly string[];
  unknown: readonly string[];
}): string {
  if (unknown.length > 0) return `The database was written by a newer Gatepost: ${unknown.join(', ')}.`;
  return pending.length === 0 ? `The database is current (${applied.at(-1) ?? 'empty'}).` : `Still to be done: ${pending.join(', ')}.`;
}
