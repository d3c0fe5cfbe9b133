// Many webhooks at once, each sent twice, some of one branch one after the other: each is one analysis with one event, those of a branch in the order in
// which they were answered, and no answer waits for long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configure, startApp, tenant } from '../../../test/app.ts';
import { engines } from '../../../test/databases.ts';
import { makeSource, payloadText, sendSigned } from '../../../test/sonarqube/ingest.ts';

const branches = 16;
const ofBranch = 20;
/** What SonarQube gives up after; it waits inside its worker meanwhile. */
const answeredWithinMs = 10_000;

for (const engine of engines) {
  test(`${branches * ofBranch} webhooks on ${branches * 2} connections: one analysis and one event each, in order within a branch (${engine})`, async (t) => {
    const { app } = await startApp(t, await configure(t, engine));
    const { token } = await tenant(app, 'Example');
    const source = await makeSource(app, token);
    let slowest = 0;
    const sendBranch = async (branch: number): Promise<readonly string[]> => {
      const made: string[] = [];
      for (let n = 0; n < ofBranch; n += 1) {
        const at = `2026-03-02T09:${String(n).padStart(2, '0')}:00+0100`;
        const body = payloadText({
          taskId: `${branch}-${n}`,
          analysedAt: at,
          changedAt: at,
          project: { key: `p:${branch % 3}`, name: 'P' },
          branch: { name: `b${branch}`, type: 'BRANCH', isMain: false },
        });
        const began = performance.now();
        const [one, other] = await Promise.all([sendSigned(source, body), sendSigned(source, body)]);
        slowest = Math.max(slowest, performance.now() - began);
        assert.deepEqual([one.status, other.status, one.json['analysis']], [200, 200, other.json['analysis']]);
        assert.deepEqual([one.json['status'], other.json['status']].toSorted(), ['accepted', 'known']);
        made.push(String(one.json['analysis']));
      }
      return made;
    };
    const made = await Promise.all(Array.from({ length: branches }, (_, branch) => sendBranch(branch)));
    const { read } = app.database;
    const rows = await read.selectFrom('analyses').select(['id', 'branch', 'source_task']).orderBy('id').execute();
    assert.equal(rows.length, branches * ofBranch);
    for (const [branch, ids] of made.entries()) {
      const stored = rows.filter((row) => row.branch === `b${branch}`);
      assert.deepEqual(
        stored.map((row) => row.id),
        ids,
      );
      assert.deepEqual(
        stored.map((row) => row.source_task),
        ids.map((_, n) => `${branch}-${n}`),
      );
    }
    const events = await read.selectFrom('events').select('facts').where('kind', '=', 'analysis.completed').execute();
    const told = new Set(events.map(({ facts }) => (JSON.parse(facts) as { readonly analysis: string }).analysis));
    assert.deepEqual([events.length, told.size], [rows.length, rows.length]);
    assert.equal((await read.selectFrom('projects').select('id').execute()).length, 3);
    assert.ok(slowest < answeredWithinMs, `${slowest} ms`);
  });
}
