import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import { startSmallServer } from '../../../test/sonarqube/small-server.ts';
import type { WorkBench } from '../../../test/sonarqube/work.ts';
import { createWorkBench, smallAnalysis } from '../../../test/sonarqube/work.ts';
import type { CheckFacts } from './check.ts';
import type { Source } from './source.ts';
import { ingestPath } from './source.ts';

// A check says what works, over HTTP; what it found is looked at, and what stands over there afterwards.

function look(bench: WorkBench, source: Source, createWebhook = false): Promise<CheckFacts> {
  const ingestUrl = `https://gatepost.example${ingestPath(source.id)}`;
  return bench.work.check({ organization: bench.organization, source: source.id, ingestUrl, createWebhook });
}

const answered = (facts: CheckFacts): readonly string[] => facts.calls.filter((call) => call.ok).map((call) => call.path);
const refused = (facts: CheckFacts) => facts.calls.filter((call) => !call.ok).map(({ path, code }) => [path, code]);

eachDatabase((open, engine) => {
  test(`a source that is well: version, edition, mode, rights, calls, and it is written down (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    server.analyses.push(smallAnalysis(1));
    const bench = await createWorkBench(t, await open(t));
    const source = await bench.addSource(server);
    const facts = await look(bench, source);
    const { version, edition, mqr, token, projects, webhook } = facts;
    assert.deepEqual([version, edition, mqr, projects, webhook.state], ['26.9.0.129388', 'community', true, 1, 'missing']);
    assert.deepEqual(token, { valid: true, browses: true, administers: true, seesTasks: true });
    assert.deepEqual(refused(facts), [['api/project_pull_requests/list', 'source_path_unknown']]);
    assert.ok(['api/issues/search', 'api/hotspots/search', 'api/project_analyses/search'].every((path) => answered(facts).includes(path)));
    const after = await bench.source(source.id);
    assert.deepEqual([after.state, after.facts, after.checked !== null], ['ok', facts, true]);
  });

  test(`without the right for hotspots it is well all the same, and the check says so (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    server.mode = 'no-hotspots';
    server.hasBranches = true;
    server.administers = false;
    server.analyses.push(smallAnalysis(1));
    const bench = await createWorkBench(t, await open(t));
    const source = await bench.addSource(server);
    const facts = await look(bench, source);
    assert.deepEqual(
      refused(facts).filter(([path]) => path === 'api/hotspots/search'),
      [['api/hotspots/search', 'source_forbidden']],
    );
    assert.deepEqual([facts.token.administers, facts.webhook.state, facts.webhook.code], [false, 'unknown', 'source_forbidden']);
    assert.equal((await bench.source(source.id)).state, 'ok');
  });

  test(`the webhook is made over there, and set right where it is there (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    const bench = await createWorkBench(t, await open(t));
    const source = await bench.addSource(server);
    const { webhook } = await look(bench, source, true);
    assert.equal(webhook.state, 'there');
    assert.deepEqual(server.webhooks, [
      { key: webhook.key, name: 'Gatepost', url: `https://gatepost.example${ingestPath(source.id)}`, secret: 'sixteen-chars-ok' },
    ]);
    assert.equal((await bench.source(source.id)).webhook, webhook.key);
    Object.assign(server.webhooks[0] ?? {}, { secret: 'an older one' });
    assert.equal((await look(bench, source, true)).webhook.key, webhook.key);
    assert.deepEqual([server.webhooks.length, server.webhooks[0]?.secret], [1, 'sixteen-chars-ok']);
  });

  test(`why a webhook could not be made is said so that somebody can do something about it (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    server.webhooksMax = 0;
    const bench = await createWorkBench(t, await open(t));
    const source = await bench.addSource(server);
    const full = (await look(bench, source, true)).webhook;
    assert.deepEqual([full.state, full.code], ['refused', 'source_webhook_limit']);
    server.administers = false;
    const { webhook } = await look(bench, source, true);
    assert.deepEqual([webhook.state, webhook.code], ['refused', 'source_forbidden']);
    assert.match(webhook.message ?? '', /administer/);
  });

  test(`a token that is none, an address where nobody is, and a token without rights are findings, not failures (${engine})`, async (t) => {
    const server = await startSmallServer(t);
    const bench = await createWorkBench(t, await open(t));
    const source = await bench.addSource(server);
    for (const [mode, state, reachable, valid, browses] of [
      ['token-invalid', 'source_token_refused', true, false, false],
      ['no-rights', 'source_forbidden', true, true, false],
      ['migrating', 'source_upgrading', true, null, null],
    ] as const) {
      server.mode = mode;
      const facts = await look(bench, source);
      assert.deepEqual([facts.reachable, facts.token.valid, facts.token.browses], [reachable, valid, browses]);
      assert.equal((await bench.source(source.id)).state, state);
    }
    await server.close();
    const unreached = await look(bench, source);
    assert.deepEqual([unreached.reachable, ...Object.values(unreached.token)], [false, null, null, null, null]);
    const { state, stateMessage } = await bench.source(source.id);
    assert.equal(state, 'source_unreachable');
    assert.match(stateMessage ?? '', /cannot be reached/);
  });
});
