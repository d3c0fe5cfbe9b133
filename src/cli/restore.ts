import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemClock } from '../clock.ts';
import { GatepostError, conflict } from '../errors.ts';
import { keyFingerprint, readOrMakeSecretKey, secretKeyFile } from '../secret-key.ts';
import { createArtifactDirectory } from '../storage/artifacts/directory.ts';
import { markerName } from '../storage/artifacts/place.ts';
import { damageOfSqlite, openCopy } from '../storage/database/backup.ts';
import type { Reader } from '../storage/database/database.ts';
import { openDatabase, readSchemaState } from '../storage/database/open.ts';
import { databaseFile } from '../storage/database/sqlite/open.ts';
import type { BackupDescription } from './backup-description.ts';
import { artifactsFolder, postgresDumpFile, readDescription, sqliteCopyFile } from './backup-description.ts';
import type { Call, Command, Outcome } from './command.ts';
import type { Place } from './place.ts';
import { findPlace } from './place.ts';
import { restorePostgres } from './postgres-tools.ts';
import { createProgress, sizeText } from './progress.ts';
import type { CopyOutcome } from './stored-files.ts';
import type { RestoredRepositories } from './stored-repositories.ts';
import { repositoriesFolder, repositoriesText, restoreRepositories } from './stored-repositories.ts';
import { copyFiles, namedFiles, syncPath } from './stored-files.ts';

/** There while a restore is under way; one that broke off may be begun again on the same directory. */
const underWayFile = '.restoring';

export const command: Command = {
  name: 'restore',
  summary: 'Puts a backup onto an empty data directory (or empty PostgreSQL database), checks it, and brings it to this version’s schema.',
  words: [{ name: 'FROM', help: 'the folder that gatepost backup made' }],
  options: {},
  notes: () =>
    `The secret key is not in a backup. Put it back as ${secretKeyFile} into the data directory (mode 0600) or into GATEPOST_SECRET_KEY, best before this.`,
  run,
};

async function run(call: Call): Promise<Outcome> {
  const from = resolve(call.word(0));
  const place = findPlace(call.environment);
  const description = await readDescription(from);
  await refuseUnfit({ place, from, description });
  const { data, artifacts } = place.configuration;
  await mkdir(data, { recursive: true, mode: 0o700 });
  await writeFile(join(data, underWayFile), from);
  // The database last: a restore that breaks off leaves nothing that a server would start on.
  const copied = await restoreFiles({ call, place, from });
  const git = await restoreGit({ call, data, from, node: description.node ?? null });
  await restoreDatabase({ place, from });
  const damaged = await verifyFiles({ call, root: artifacts });
  await rm(join(data, underWayFile));
  await syncPath(data);
  return outcomeOf({ place, copied, git, damaged, key: keyState(place, description) });
}

async function refuseUnfit({ place, from, description }: { place: Place; from: string; description: BackupDescription }): Promise<void> {
  const { url, directory } = place.location;
  const wanted = url === undefined ? 'sqlite' : 'postgres';
  if (description.engine !== wanted) {
    throw conflict(
      'other_engine',
      `The backup is of ${description.engine}, and DATABASE_URL ${url === undefined ? 'is not set' : 'names a PostgreSQL'}.`,
    );
  }
  const isAgain = existsSync(join(directory, underWayFile)) && !existsSync(join(directory, databaseFile));
  for (const folder of new Set([directory, place.configuration.artifacts])) {
    const names = (await readdir(folder).catch(() => [])).filter((name) => name !== secretKeyFile);
    if (names.length > 0 && !isAgain) throw conflict('not_empty', `${folder} is not empty. A backup is put onto an empty place only.`);
  }
  if (url !== undefined && (await readSchemaState(place.location)).applied.length > 0) {
    throw conflict('not_empty', 'The database that DATABASE_URL names is not empty. A backup is put onto an empty place only.');
  }
  const damage = url === undefined ? damageOfSqlite(join(from, sqliteCopyFile)) : [];
  if (damage.length > 0)
    throw new GatepostError('internal', 'backup_damaged', `The database in the backup is damaged: ${damage.join('; ')}`);
}

async function restoreFiles({ call, place, from }: { call: Call; place: Place; from: string }): Promise<CopyOutcome> {
  const [source, to] = [join(from, artifactsFolder), place.configuration.artifacts];
  await mkdir(to, { recursive: true, mode: 0o700 });
  const progress = createProgress({ screen: call.screen, label: 'files', bytes: null });
  try {
    const copy = (read: Reader | null) =>
      copyFiles({ names: read === null ? storedIn(source) : namedFiles(read), from: source, to, onFile: (bytes) => progress.add(bytes) });
    const opened = place.location.url === undefined ? openCopy(join(from, sqliteCopyFile)) : null;
    const copied = await copy(opened?.read ?? null).finally(() => opened?.close());
    if (existsSync(join(source, markerName))) await copyFile(join(source, markerName), join(to, markerName));
    await syncPath(to);
    return copied;
  } finally {
    progress.end();
  }
}

function storedIn(root: string) {
  return createArtifactDirectory({ root, clock: systemClock }).list();
}

/** The repositories, and the name that they know their data directory by. */
async function restoreGit(options: { call: Call; data: string; from: string; node: string | null }): Promise<RestoredRepositories> {
  const { call, data, from, node } = options;
  const to = join(data, repositoriesFolder);
  await mkdir(to, { recursive: true, mode: 0o700 });
  if (node !== null) await writeFile(join(data, 'node'), `${node}\n`);
  const progress = createProgress({ screen: call.screen, label: 'repositories', bytes: null });
  try {
    return await restoreRepositories({ from: join(from, repositoriesFolder), to, onFile: (bytes) => progress.add(bytes) });
  } finally {
    progress.end();
  }
}

async function restoreDatabase({ place, from }: { place: Place; from: string }): Promise<void> {
  const { url, directory } = place.location;
  if (url === undefined) {
    const temporary = join(directory, `${databaseFile}.restoring`);
    await copyFile(join(from, sqliteCopyFile), temporary);
    await syncPath(temporary);
    await rename(temporary, join(directory, databaseFile));
    await syncPath(directory);
  } else {
    await restorePostgres(url, join(from, postgresDumpFile));
  }
  const database = await openDatabase(place.location, 'tool');
  await database.close();
}

/** Reads every file that was put back and compares it with its hash. */
async function verifyFiles({ call, root }: { call: Call; root: string }): Promise<readonly string[]> {
  call.say('checking every file ...');
  const store = createArtifactDirectory({ root, clock: systemClock });
  const damaged: string[] = [];
  for await (const { organization, sha256 } of store.list()) {
    if ((await store.verify(organization, sha256)) !== 'sound') damaged.push(sha256);
  }
  return damaged;
}

type KeyState = 'right' | 'wrong' | 'missing' | 'unknown';

function keyState({ configuration }: Place, { secretKeyFingerprint }: BackupDescription): KeyState {
  const isThere = configuration.secretKey !== null || existsSync(join(configuration.data, secretKeyFile));
  if (!isThere) return 'missing';
  if (secretKeyFingerprint === null) return 'unknown';
  const key = configuration.secretKey ?? readOrMakeSecretKey(configuration.data);
  return keyFingerprint(key) === secretKeyFingerprint ? 'right' : 'wrong';
}

interface OutcomeFacts {
  readonly place: Place;
  readonly copied: CopyOutcome;
  readonly git: RestoredRepositories;
  readonly damaged: readonly string[];
  readonly key: KeyState;
}

function outcomeOf({ place, copied, git, damaged, key }: OutcomeFacts): Outcome {
  const { data } = place.configuration;
  const lines = [`${data}: the database and ${copied.files} files, ${sizeText(copied.bytes)}${repositoriesText(git)}, are back.`];
  if (copied.missing.length > 0) lines.push(`${copied.missing.length} files were missing in the backup.`);
  if (damaged.length > 0) lines.push(`${damaged.length} files are damaged. See: gatepost doctor --artifacts`);
  const said: Readonly<Record<KeyState, string>> = {
    right: 'The secret key is the right one.',
    unknown: 'The backup does not say which secret key opens its secrets.',
    missing: `*** THE SECRET KEY IS MISSING. *** Put it back as ${join(data, secretKeyFile)} (mode 0600) before you start the server.`,
    wrong: '*** THIS IS NOT THE SECRET KEY OF THE BACKUP. *** The server will refuse to start until the right one is back.',
  };
  lines.push(said[key]);
  const json = {
    data,
    files: copied.files,
    bytes: copied.bytes,
    missing: copied.missing.map((one) => one.sha256),
    damaged,
    repositories: git,
    secretKey: key,
  };
  const isWhole = copied.missing.length === 0 && damaged.length === 0 && key !== 'wrong';
  return { json, text: lines.join('\n'), exitCode: isWhole ? 0 : 1 };
}
