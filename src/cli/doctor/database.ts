import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GatepostError } from '../../errors.ts';
import { findKeyRing, keyFactNames } from '../../key-ring.ts';
import { secretKeyFile } from '../../secret-key.ts';
import { createArtifactDirectory } from '../../storage/artifacts/directory.ts';
import { markerName } from '../../storage/artifacts/place.ts';
import type { Clock } from '../../clock.ts';
import { systemClock } from '../../clock.ts';
import { damageOfSqlite, openCopy } from '../../storage/database/backup.ts';
import type { Reader } from '../../storage/database/database.ts';
import { openDatabase, readSchemaState } from '../../storage/database/open.ts';
import { databaseFile } from '../../storage/database/sqlite/open.ts';
import type { Place } from '../place.ts';
import type { Check } from './check.ts';
import { failed, messageOf, ok, warning } from './check.ts';

export interface DatabaseChecks {
  readonly checks: readonly Check[];
  /** Null where nothing can be read. */
  readonly read: Reader | null;
  /** The database's own, where nodes share one. */
  readonly clock: Clock | null;
  readonly close: () => Promise<void>;
}

/** The database: reachable, at this schema, sound, and together with the right key and the right artefacts. */
export async function checkDatabase({ place, deep }: { readonly place: Place; readonly deep: boolean }): Promise<DatabaseChecks> {
  const none = (check: Check): DatabaseChecks => ({ checks: [check], read: null, clock: null, close: () => Promise.resolve() });
  const { url, directory } = place.location;
  const file = join(directory, databaseFile);
  if (url === undefined && !existsSync(file)) {
    return none(warning('database', 'there is none yet', 'The server makes it at its first start. Otherwise: is GATEPOST_DATA right?'));
  }
  try {
    const schema = await checkSchema(place);
    if (schema.state !== 'ok') return none(schema);
    const opened = await openToRead(place);
    const damage = deep && url === undefined ? [checkSound(file)] : [];
    return { checks: [schema, ...damage, await checkKey(place, opened.read), await checkStore(place, opened.read)], ...opened };
  } catch (error) {
    return none(
      failed(
        'database',
        messageOf(error),
        url === undefined ? `Is ${file} readable and whole?` : 'Is DATABASE_URL right, and the server up?',
      ),
    );
  }
}

async function checkSchema({ location }: Place): Promise<Check> {
  const { applied, pending, unknown } = await readSchemaState(location);
  const remedy = 'Start the version that wrote it, or restore a backup made before.';
  if (unknown.length > 0) return failed('database', `it was written by a newer Gatepost (${unknown.join(', ')})`, remedy);
  if (pending.length > 0)
    return warning('database', `still to be migrated: ${pending.join(', ')}`, 'gatepost migrate, or start the server.');
  return ok('database', `${location.url === undefined ? 'SQLite' : 'PostgreSQL'}, at this schema (${applied.at(-1) ?? ''})`);
}

/** What is at this schema already is not changed by opening it. */
async function openToRead({ location }: Place): Promise<{ readonly read: Reader } & Pick<DatabaseChecks, 'clock' | 'close'>> {
  if (location.url === undefined) {
    const copy = openCopy(join(location.directory, databaseFile));
    return { read: copy.read, clock: null, close: () => Promise.resolve(copy.close()) };
  }
  const database = await openDatabase(location, 'tool');
  return { read: database.read, clock: await database.clock(), close: () => database.close() };
}

function checkSound(file: string): Check {
  const damage = damageOfSqlite(file);
  if (damage.length === 0) return ok('database file', 'sound');
  return failed('database file', damage.join('; '), 'Stop the server, restore the last backup, and look at the disk.');
}

async function settingOf(read: Reader, name: string): Promise<string | null> {
  const row = await read.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst();
  return row?.value ?? null;
}

async function checkKey({ configuration }: Place, read: Reader): Promise<Check> {
  const file = join(configuration.data, secretKeyFile);
  const fingerprint = await settingOf(read, keyFactNames.fingerprint);
  const isInFile = configuration.secretKey === null;
  if (fingerprint === null) return ok('secret key', 'none is needed before the first start');
  if (isInFile && !existsSync(file)) {
    return failed('secret key', `${file} is missing`, 'Put the copy of it back (mode 0600). Without it no stored secret opens.');
  }
  try {
    const { others } = findKeyRing(configuration, { fingerprint, next: await settingOf(read, keyFactNames.next) });
    if (others.length > 0) {
      return warning('secret key', 'a change of it was begun and has not ended', 'Stop the server and run gatepost rotate-key again.');
    }
    return ok('secret key', isInFile ? `${file}, the right one` : 'GATEPOST_SECRET_KEY, the right one');
  } catch (error) {
    const code = error instanceof GatepostError ? error.code : '';
    if (code === 'secret_key_other') {
      return failed('secret key', 'this is not the key that the stored secrets were encrypted with', 'Put the right one back.');
    }
    if (code === 'secret_key_next_missing')
      return failed('secret key', 'it is being changed, and the new one is missing', messageOf(error));
    return failed('secret key', messageOf(error), `Make it readable by its owner alone: chmod 600 ${file}`);
  }
}

async function checkStore({ configuration }: Place, read: Reader): Promise<Check> {
  const root = configuration.artifacts;
  const expected = await settingOf(read, 'artifacts_identity');
  if (expected === null) return ok('artefacts', 'none before the first start');
  const remedy = 'Is GATEPOST_ARTIFACTS right, and is its disk mounted?';
  const isThere = await stat(join(root, markerName)).catch(() => null);
  if (isThere === null) return failed('artefacts', `${root} is no artefact store`, remedy);
  const identity = await createArtifactDirectory({ root, clock: systemClock }).identity();
  if (identity === expected) return ok('artefacts', `${root} belongs to this database`);
  return failed('artefacts', `${root} belongs to another database`, remedy);
}
