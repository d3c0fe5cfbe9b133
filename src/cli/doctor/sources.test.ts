// The whole doctor beside analyses of a SonarQube source that have no file yet, or never had one: they are no file that is missing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatepost, gatepostJson } from '../../../test/cli/command-line.ts';
import { engines, newLocation } from '../../../test/databases.ts';
import { createTestClock } from '../../../test/http.ts';
import { createRows } from '../../../test/webhooks/rows.ts';
import { settingsDefault } from '../../analyses/sonarqube/source.ts';
import { insertSource } from '../../analyses/sonarqube/source-store.ts';
import { findOrCreateProject } from '../../projects/store.ts';
import { openDatabase } from '../../storage/database/open.ts';
import { namedFiles } from '../stored-files.ts';
import type { Check } from './check.ts';

const minute = 60_000;

for (const engine of engines) {
  test(`doctor lists the sources that are not well while analyses of theirs wait or have failed (${engine})`, async (context) => {
    const steps: (() => Promise<void>)[] = [];
    context.after(async () => {
      for (const step of steps.toReversed()) await step();
    });
    const location = await newLocation({ after: (step) => void steps.push(step) }, engine);
    const database = await openDatabase(location, 'server');
    steps.push(() => database.close());
    const { organization, ids, clock, sealer } = await createRows(database, createTestClock(Date.now()));
    const now = clock.now();
    const given = {
      name: 'Sonar',
      url: 'https://sonar.example',
      token: 'squ_x',
      secret: 'sixteen-chars-ok',
      ca: null,
      settings: settingsDefault,
    };
    const source = await database.write(async (tx) => {
      const made = await insertSource({ tx, organization, given, actor: 'cli', sealer, ids, clock });
      const ill = { state: 'source_token_refused', state_since: now - minute, state_message: 'The server refuses the token.' };
      await tx.updateTable('sources').set(ill).where('id', '=', made.id).execute();
      const who = { onlyProject: null, actor: 'system' as const };
      const project = await findOrCreateProject({ tx, organization, key: 'shop', name: 'Shop', ...who, ids, clock });
      const none = {
        date_given: null,
        date_text: '',
        date: now,
        body_sha256: '',
        body_bytes: 0,
        version: '',
        revision: null,
        properties: '{}',
      };
      const of = { organization, project: project.id, branch: 'main', kind: 'sonarqube', stage: 'fetch', source: made.id, created: now };
      const row = (key: string, status: 'pending' | 'failed') => ({
        ...none,
        ...of,
        id: ids.next(),
        source_key: key,
        status,
        error_code: status === 'failed' ? 'source_not_found' : null,
      });
      await tx
        .insertInto('analyses')
        .values([row('task:1', 'pending'), row('task:2', 'failed')])
        .execute();
      return made.id;
    });
    const named: string[] = [];
    for await (const { sha256 } of namedFiles(database.read)) named.push(sha256);
    assert.deepEqual(named, []);
    const databaseUrl: Readonly<Record<string, string>> = location.url === undefined ? {} : { DATABASE_URL: location.url };
    const environment = { GATEPOST_DATA: location.directory, GATEPOST_PORT: '9', ...databaseUrl };
    const { code, stdout } = await gatepost(['doctor', '--artifacts'], environment);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /sources: 1 not well\n +Sonar \(.*source_token_refused.*\), 1 waiting/);
    const { json } = await gatepostJson(['doctor'], environment);
    const checks = json['checks'] as readonly Check[];
    const items = checks.find(({ name }) => name === 'sources')?.items ?? [];
    assert.deepEqual(
      items.map((item) => [item['source'], item['state'], item['waiting']]),
      [[source, 'source_token_refused', 1]],
    );
    assert.equal(checks.find(({ name }) => name === 'stored files')?.says, '0 named, all there');
  });
}
