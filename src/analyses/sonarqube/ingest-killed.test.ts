// What was answered 200 is on disk: a server in a process of its own is killed (SIGKILL) the moment an answer is here, while others are under way. The
// database is then read by nobody but this test.
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { atEnd, configure, tenant } from '../../../test/app.ts';
import { engines } from '../../../test/databases.ts';
import { startServer } from '../../../test/faults/server-process.ts';
import { makeSource, payloadText, sendSigned } from '../../../test/sonarqube/ingest.ts';
import { buildApp } from '../../app.ts';
import { openDatabase } from '../../storage/database/open.ts';

const sentAtOnce = 40;

for (const engine of engines) {
  test(`killed right after an answer: it is there with its event, and sent again it is the same one (${engine})`, async (t) => {
    const configuration = await configure(t, engine);
    const app = await buildApp(configuration);
    await app.start();
    const { token } = await tenant(app, 'Example');
    const source = await makeSource(app, token);
    await app.stop();
    const settings = {
      GATEPOST_DATA: configuration.data,
      GATEPOST_SECRET_KEY: configuration.secretKey?.toString('base64') ?? '',
      ...(configuration.databaseUrl === null ? {} : { DATABASE_URL: configuration.databaseUrl }),
    };
    const path = new URL(source.ingestUrl).pathname;
    const server = await startServer(settings, { cwd: dirname(configuration.data) });
    atEnd(t, () => server.kill());
    const here = { ...source, ingestUrl: server.url + path };
    const answered: string[] = [];
    const first = Promise.withResolvers<void>();
    const sending = Array.from({ length: sentAtOnce }, async (_, n) => {
      const answer = await sendSigned(here, payloadText({ taskId: `task ${n}` })).catch(() => null);
      if (answer?.status !== 200) return;
      answered.push(`task ${n}`);
      first.resolve();
    });
    await first.promise;
    await server.kill();
    await Promise.all(sending);
    assert.ok(answered.length > 0);
    const stored = async () => {
      const database = await openDatabase({ directory: configuration.data, url: configuration.databaseUrl ?? undefined }, 'tool');
      try {
        const rows = await database.read.selectFrom('analyses').select(['id', 'source_task']).execute();
        const events = await database.read.selectFrom('events').select('facts').where('kind', '=', 'analysis.completed').execute();
        return {
          tasks: rows.map((row) => row.source_task).toSorted(),
          ids: rows.map((row) => row.id),
          events: events.map(({ facts }) => facts),
        };
      } finally {
        await database.close();
      }
    };
    const left = await stored();
    assert.deepEqual(
      answered.filter((task) => !left.tasks.includes(task)),
      [],
    );
    assert.equal(left.events.length, left.ids.length, 'each with its event, none without');
    for (const id of left.ids) assert.ok(left.events.some((facts) => facts.includes(id)));
    // SonarQube sends nothing again, but a person may.
    const again = await buildApp(configuration);
    const there = { ...source, ingestUrl: (await again.start()) + path };
    const statuses = await Promise.all(
      left.tasks.map(async (task) => (await sendSigned(there, payloadText({ taskId: task }))).json['status']),
    );
    await again.stop();
    assert.deepEqual(new Set(statuses), new Set(['known']));
    assert.deepEqual((await stored()).tasks, left.tasks);
  });
}
