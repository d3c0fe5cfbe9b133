import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { systemClock, timestampText } from '../clock.ts';
import type { Configuration } from '../configuration.ts';
import { conflict, invalid, notFound } from '../errors.ts';
import { keyFactNames } from '../key-ring.ts';
import { keyFingerprint, secretKeyFile } from '../secret-key.ts';
import { markerName } from '../storage/artifacts/place.ts';
import { copySqlite, openCopy } from '../storage/database/backup.ts';
import type { Reader } from '../storage/database/database.ts';
import { readSchemaState } from '../storage/database/open.ts';
import { readSetting } from '../storage/database/settings.ts';
import { databaseFile } from '../storage/database/sqlite/open.ts';
import { artifactsFolder, postgresDumpFile, sqliteCopyFile, writeDescription } from './backup-description.ts';
import type { Call, Command, Outcome } from './command.ts';
import type { Place } from './place.ts';
import { findPlace, withDatabase } from './place.ts';
import { dumpPostgres } from './postgres-tools.ts';
import { createProgress, sizeText } from './progress.ts';
import type { CopiedRepositories } from './stored-repositories.ts';
import { backUpRepositories, nodeOf, repositoriesFolder, repositoriesText } from './stored-repositories.ts';
import type { CopyOutcome, StoredName } from './stored-files.ts';
import { copyFiles, namedFiles, syncPath } from './stored-files.ts';
import { versionText } from '../version.ts';

export const command: Command = {
  name: 'backup',
  summary:
    'Takes a consistent copy while the server runs: the database as it is at one moment, then every file and repository that it names.',
  words: [{ name: 'TO', help: 'a folder that is empty or not there yet' }],
  options: { 'key-to': { type: 'string', value: 'FILE', help: 'also copy the secret key, to a file outside of the backup' } },
  notes: () =>
    'The secret key is not in the backup, so that a stolen backup opens no secret. Keep it apart: without it the webhooks’ secrets are lost.',
  run,
};

async function run(call: Call): Promise<Outcome> {
  const place = findPlace(call.environment);
  const to = resolve(call.word(0));
  const key = readKey(place.configuration);
  const keyTo = keyTarget(call.text('key-to'), to, key);
  await makeEmpty(to);
  const schema = (await requireDatabase(place)).applied;
  call.say('database ...');
  const { copied, git } = await copyAll({ call, place, to });
  await writeDescription(to, {
    gatepost: versionText(),
    made: timestampText(systemClock.now()),
    engine: place.location.url === undefined ? 'sqlite' : 'postgres',
    schema,
    artifacts: { files: copied.files, bytes: copied.bytes, missing: copied.missing.map((one) => one.sha256) },
    repositories: git,
    node: await nodeOf(place.configuration.data),
    secretKeyFingerprint: key === null ? null : keyFingerprint(key),
  });
  if (keyTo !== null && key !== null) {
    await writeFile(keyTo, `${key.toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
    await syncPath(keyTo);
  }
  return outcomeOf({ to, copied, git, keyTo, configuration: place.configuration });
}

function readKey(configuration: Configuration): Buffer | null {
  if (configuration.secretKey !== null) return configuration.secretKey;
  const file = join(configuration.data, secretKeyFile);
  return existsSync(file) ? Buffer.from(readFileSync(file, 'utf8').trim(), 'base64') : null;
}

function keyTarget(file: string | undefined, to: string, key: Buffer | null): string | null {
  if (file === undefined) return null;
  const target = resolve(file);
  if (target.startsWith(to + sep))
    throw invalid('key_in_backup', 'The key belongs outside of the backup: whoever has both has every secret.');
  if (key === null) throw notFound('secret_key_missing', 'There is no secret key to copy.');
  if (existsSync(target)) throw conflict('file_exists', `${target} is there already.`);
  return target;
}

async function makeEmpty(to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  if ((await readdir(to)).length > 0) throw conflict('not_empty', `${to} is not empty. A backup goes into a folder of its own.`);
}

async function requireDatabase({ location }: Place) {
  if (location.url === undefined && !existsSync(join(location.directory, databaseFile))) {
    throw notFound('database_missing', `There is no database in ${location.directory}. Is GATEPOST_DATA right?`);
  }
  return readSchemaState(location);
}

interface Copied {
  readonly copied: CopyOutcome;
  readonly git: CopiedRepositories;
}

/**
 * The database first: whatever it names was stored before, and is kept for a day after nothing names it any more. Repositories last: what the
 * database says of them they have, and what was pushed meanwhile too.
 */
async function copyAll({ call, place, to }: { call: Call; place: Place; to: string }): Promise<Copied> {
  const { url, directory } = place.location;
  const from = place.configuration.artifacts;
  const files = async (read: Reader) => {
    await refuseBetweenKeys(read);
    const copied = await copyNamed({ call, names: namedFiles(read), from, to: join(to, artifactsFolder) });
    return { copied, git: await copyRepositories({ call, read, data: place.configuration.data, to }) };
  };
  if (url !== undefined) {
    await dumpPostgres(url, join(to, postgresDumpFile));
    await syncPath(join(to, postgresDumpFile));
    return withDatabase(place.location, (database) => files(database.read));
  }
  copySqlite(directory, join(to, sqliteCopyFile));
  const copy = openCopy(join(to, sqliteCopyFile));
  try {
    return await files(copy.read);
  } finally {
    copy.close();
  }
}

/** What is copied while some secrets are under the old key and some under the new one needs both for ever. */
async function refuseBetweenKeys(read: Reader): Promise<void> {
  if ((await readSetting(read, keyFactNames.next)) === null) return;
  throw conflict(
    'key_change_under_way',
    'The secret key is being changed. Run gatepost rotate-key again with the server stopped, then make the backup.',
  );
}

async function copyNamed(options: { call: Call; names: AsyncIterable<StoredName>; from: string; to: string }): Promise<CopyOutcome> {
  const { call, names, from, to } = options;
  await mkdir(to, { recursive: true });
  const progress = createProgress({ screen: call.screen, label: 'files', bytes: null });
  try {
    const copied = await copyFiles({ names, from, to, onFile: (bytes) => progress.add(bytes) });
    if (existsSync(join(from, markerName))) await copyFile(join(from, markerName), join(to, markerName));
    await syncPath(to);
    return copied;
  } finally {
    progress.end();
  }
}

async function copyRepositories(options: { call: Call; read: Reader; data: string; to: string }): Promise<CopiedRepositories> {
  const { call, read, data, to } = options;
  const target = join(to, repositoriesFolder);
  await mkdir(target, { recursive: true, mode: 0o700 });
  const progress = createProgress({ screen: call.screen, label: 'repositories', bytes: null });
  try {
    return await backUpRepositories({ read, data, to: target, onFile: (bytes) => progress.add(bytes) });
  } finally {
    progress.end();
  }
}

interface OutcomeFacts extends Copied {
  readonly to: string;
  readonly keyTo: string | null;
  readonly configuration: Configuration;
}

function outcomeOf(facts: OutcomeFacts): Outcome {
  const { to, copied, git, keyTo, configuration } = facts;
  const where = configuration.secretKey === null ? join(configuration.data, secretKeyFile) : 'GATEPOST_SECRET_KEY';
  const lines = [`${to}: the database and ${copied.files} files, ${sizeText(copied.bytes)}${repositoriesText(git)}.`];
  if (git.missing.length > 0) lines.push(`NOT WHOLE: repositories without a directory: ${git.missing.join(', ')}`);
  if (git.elsewhere > 0)
    lines.push(`${git.elsewhere} repositories lie on other nodes: back up their data directories (repositories, node) there.`);
  if (copied.missing.length > 0)
    lines.push(`NOT WHOLE: ${copied.missing.length} files that the database names are missing. See: gatepost doctor --artifacts`);
  lines.push(
    '',
    '*** THE SECRET KEY IS NOT IN THIS BACKUP. ***',
    keyTo === null
      ? `Keep a copy of it (${where}) in another place.`
      : `A copy of it is in ${keyTo}. Keep it in another place than the backup.`,
    'Without it the secrets and addresses of all webhooks are lost.',
  );
  const json = {
    to,
    files: copied.files,
    bytes: copied.bytes,
    missing: copied.missing.map((one) => one.sha256),
    repositories: git,
    secretKey: { included: false, where, copy: keyTo },
  };
  return { json, text: lines.join('\n'), exitCode: copied.missing.length + git.missing.length > 0 ? 1 : 0 };
}
