// The verbs that work on the data itself, on both databases: beside a process that writes all the while, which is then killed.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { gatepost, gatepostJson } from '../../test/cli/command-line.ts';
import { engines, newLocation } from '../../test/databases.ts';
import type { Engine } from '../../test/databases.ts';
import { systemClock } from '../clock.ts';
import { sha256Hex } from '../hmac.ts';
import { createArtifactDirectory } from '../storage/artifacts/directory.ts';
import { openDatabase } from '../storage/database/open.ts';

const program = join(import.meta.dirname, '..', '..', 'test', 'cli', 'writing.ts');
const secretKey = Buffer.alloc(32, 7).toString('base64');

type Environment = Readonly<Record<string, string>>;

async function newPlace(t: TestContext, engine: Engine): Promise<{ environment: Environment; folder: string }> {
  const steps: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const step of steps.toReversed()) await step();
  });
  const { directory, url } = await newLocation({ after: (step) => void steps.push(step) }, engine);
  const own = { GATEPOST_DATA: join(directory, 'data'), GATEPOST_PORT: '9' };
  return { folder: directory, environment: url === undefined ? own : { ...own, DATABASE_URL: url, GATEPOST_SECRET_KEY: secretKey } };
}

/** Answers once so many rows are committed, and goes on writing. */
async function startWriting(t: TestContext, environment: Environment, rows: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program], { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout })) if (Number(line) >= rows) break;
  child.stdout.resume();
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

for (const engine of engines) {
  test(`organization and token are made beside a process that writes (${engine})`, async (t) => {
    const { environment } = await newPlace(t, engine);
    const writing = await startWriting(t, environment, 3);
    const { code, json } = await gatepostJson(['organization', 'create', '--name', 'Häfen & Söhne'], environment);
    const made = json as { organization: { id: string; slug: string; name: string }; token: { id: string; token: string } };
    assert.deepEqual([code, made.organization.slug, made.organization.name], [0, 'hafen-sohne', 'Häfen & Söhne']);
    const typed = ['token', 'create', '--organization', 'hafen-sohne', '--scopes', 'read, ingest', '--project', 'a:b'];
    const second = (await gatepostJson(typed, environment)).json as { token: { id: string; token: string; scopes: string[] } };
    assert.deepEqual(second.token.scopes, ['read', 'ingest']);
    const database = await openDatabase({ directory: environment['GATEPOST_DATA'] ?? '', url: environment['DATABASE_URL'] }, 'tool');
    const rows = await database.read
      .selectFrom('tokens')
      .selectAll()
      .where('organization', '=', made.organization.id)
      .orderBy('id')
      .execute();
    assert.deepEqual(
      rows.map((row) => row.hash),
      [sha256Hex(made.token.token), sha256Hex(second.token.token)],
    );
    assert.notEqual(rows[1]?.project, null);
    await database.close();
    const unknown = await gatepostJson(['token', 'create', '--organization', 'nobody', '--scopes', 'read'], environment);
    assert.deepEqual([unknown.code, unknown.json['code']], [1, 'organization_unknown']);
    await kill(writing);
  });

  test(`a backup made while writes go on is whole, and what is restored from it stands (${engine})`, async (t) => {
    const from = await newPlace(t, engine);
    const to = await newPlace(t, engine);
    const writing = await startWriting(t, from.environment, 20);
    const backup = join(from.folder, 'backup');
    const made = await gatepost(['backup', backup], from.environment);
    assert.equal(made.code, 0, made.stdout + made.stderr);
    assert.match(made.stdout, /THE SECRET KEY IS NOT IN THIS BACKUP/);
    await kill(writing);
    const data = to.environment['GATEPOST_DATA'] ?? '';
    if (engine === 'sqlite') {
      await mkdir(data);
      await copyFile(join(from.environment['GATEPOST_DATA'] ?? '', 'secret.key'), join(data, 'secret.key'));
    }
    const restored = await gatepostJson(['restore', backup], to.environment);
    assert.deepEqual([restored.code, restored.json['secretKey'], restored.json['damaged'], restored.json['missing']], [0, 'right', [], []]);
    await checkWhole(to.environment, 20);
    const doctor = await gatepostJson(['doctor', '--artifacts'], to.environment);
    const failed = (doctor.json['checks'] as { state: string }[]).filter((check) => check.state === 'failed');
    assert.deepEqual([doctor.code, failed], [0, []]);
    const again = await gatepostJson(['restore', backup], to.environment);
    assert.deepEqual([again.code, again.json['code']], [1, 'not_empty']);
  });

  test(`migrate makes the schema, and says when there is nothing to do (${engine})`, async (t) => {
    const { environment } = await newPlace(t, engine);
    assert.equal((await gatepost(['migrate', '--check'], environment)).code, 1);
    const first = await gatepostJson(['migrate'], environment);
    assert.deepEqual([first.code, (first.json['done'] as string[]).includes('0001-initial')], [0, true]);
    assert.deepEqual((await gatepostJson(['migrate'], environment)).json['done'], []);
    assert.equal((await gatepost(['migrate', '--check'], environment)).code, 0);
  });

  test(`doctor finds a damaged file, a missing one, another key and another artefact store (${engine})`, async (t) => {
    const { environment } = await newPlace(t, engine);
    await kill(await startWriting(t, environment, 5));
    const artifacts = join(environment['GATEPOST_DATA'] ?? '', 'artifacts');
    assert.equal((await gatepost(['doctor'], environment)).code, 0);
    const [organization] = (await readdir(artifacts)).filter((name) => !name.startsWith('.'));
    const [one, two] = (await readdir(join(artifacts, organization ?? ''))).map((name) => join(artifacts, organization ?? '', name));
    const bytes = await readFile(one ?? '');
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    await writeFile(one ?? '', bytes);
    assert.match(await failures(['doctor', '--artifacts'], environment), /hashes: damaged/);
    await rm(two ?? '');
    assert.match(await failures(['doctor'], environment), /stored files: missing or damaged/);
    const other = { ...environment, GATEPOST_SECRET_KEY: Buffer.alloc(32, 9).toString('base64') };
    assert.match(await failures(['doctor'], other), /secret key: this is not the key/);
    assert.match(
      await failures(['doctor'], { ...environment, GATEPOST_ARTIFACTS: join(artifacts, '..', 'elsewhere') }),
      /is no artefact store/,
    );
  });
}

async function failures(typed: readonly string[], environment: Environment): Promise<string> {
  const { code, json } = await gatepostJson(typed, environment);
  assert.equal(code, 1);
  const checks = json['checks'] as { name: string; state: string; says: string }[];
  return checks
    .filter((check) => check.state === 'failed')
    .map(({ name, says }) => `${name}: ${says}`)
    .join('\n');
}

/** Every row names a file that is there and sound. */
async function checkWhole(environment: Environment, rowsMin: number): Promise<void> {
  const directory = environment['GATEPOST_DATA'] ?? '';
  const database = await openDatabase({ directory, url: environment['DATABASE_URL'] }, 'tool');
  try {
    const rows = await database.read.selectFrom('analyses').select(['organization', 'body_sha256']).execute();
    assert.ok(rows.length >= rowsMin, `${rows.length} rows`);
    const store = createArtifactDirectory({ root: join(directory, 'artifacts'), clock: systemClock });
    for (const { organization, body_sha256 } of rows) assert.equal(await store.verify(organization, body_sha256), 'sound');
  } finally {
    await database.close();
  }
}

test('the key goes where it is told, never into the backup, readable by its owner alone', async (t) => {
  const { environment, folder } = await newPlace(t, 'sqlite');
  await kill(await startWriting(t, environment, 1));
  const inside = await gatepostJson(['backup', join(folder, 'b1'), '--key-to', join(folder, 'b1', 'key')], environment);
  assert.deepEqual([inside.code, inside.json['code']], [1, 'key_in_backup']);
  const target = join(folder, 'key-copy');
  assert.equal((await gatepost(['backup', join(folder, 'b2'), '--key-to', target], environment)).code, 0);
  const key = await readFile(target, 'utf8');
  assert.equal(key, await readFile(join(environment['GATEPOST_DATA'] ?? '', 'secret.key'), 'utf8'));
  assert.equal((await stat(target)).mode & 0o777, 0o600);
  for (const name of await readdir(join(folder, 'b2'), { recursive: true })) {
    const facts = await stat(join(folder, 'b2', name));
    if (facts.isFile()) assert.equal((await readFile(join(folder, 'b2', name), 'latin1')).includes(key.trim()), false);
  }
});

test('a backup that is not complete, damaged or meant for another database is refused before anything is written', async (t) => {
  const from = await newPlace(t, 'sqlite');
  await kill(await startWriting(t, from.environment, 2));
  const backup = join(from.folder, 'backup');
  assert.equal((await gatepost(['backup', backup], from.environment)).code, 0);
  const to = await newPlace(t, 'sqlite');
  const refusal = async (environment: Environment) => (await gatepostJson(['restore', backup], environment)).json['code'];
  assert.equal(await refusal((await newPlace(t, 'postgres')).environment), 'other_engine');
  const file = join(backup, 'gatepost.db');
  const whole = await readFile(file);
  await chmod(file, 0o600);
  await writeFile(file, Buffer.concat([whole.subarray(0, 5000), Buffer.alloc(whole.length - 5000, 1)]));
  assert.equal(await refusal(to.environment), 'backup_damaged');
  await rm(join(backup, 'backup.json'));
  assert.equal(await refusal(to.environment), 'not_a_backup');
  assert.deepEqual(await readdir(to.environment['GATEPOST_DATA'] ?? '').catch(() => []), []);
  assert.equal((await gatepostJson(['backup', backup], from.environment)).json['code'], 'not_empty');
});
