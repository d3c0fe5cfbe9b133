// Events of the git side go the way of every other: recorded, fanned out, sent, tried again, on both databases. The first attempt of each is refused.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { EventKind } from '../../src/events/event.ts';
import { recordEvent } from '../../src/events/record.ts';
import { systemClock } from '../../src/clock.ts';
import type { Database } from '../../src/storage/database/database.ts';
import { eachDatabase } from '../databases.ts';
import type { Arrived } from './engine.ts';
import { createEngine, ids, lastFirst, startReceiver } from './engine.ts';
import { comments, goneBranch, pullRequests, push, repository } from './git-facts.ts';

const secret = 'a secret é';
const events: readonly EventKind[] = ['push', 'pull_request', 'pull_request_comment'];
const recorded = [
  ['push', push()],
  ['push', goneBranch],
  ['pull_request', pullRequests.synchronized],
  ['pull_request_comment', comments.created],
] as const;

/** What each of three webhooks got: two attempts of each event. */
async function deliver(context: TestContext, open: (context: TestContext) => Promise<Database>) {
  const t = lastFirst(context);
  const database = await open(context);
  const { organization, fanOut, worker, addWebhook } = await createEngine(t, { database, intervalMs: 50 });
  const receivers = new Map<string, Awaited<ReturnType<typeof startReceiver>>>();
  const seen = new Set<string>();
  for (const dialect of ['secure-source-manager', 'gitea', 'github']) {
    const receiver = await startReceiver(t, (response, { headers }) => {
      const key = `${dialect} ${String(headers['x-securesourcemanager-delivery'] ?? headers['x-github-delivery'])}`;
      response.writeHead(seen.has(key) ? 204 : 500).end();
      seen.add(key);
    });
    await addWebhook(receiver.url, { dialect, events, secret });
    receivers.set(dialect, receiver);
  }
  await worker.start();
  for (const [kind, facts] of recorded) {
    const ref = 'ref' in facts ? facts.ref : null;
    const where = { project: null, repository: repository.id, ref };
    await database.write((tx) =>
      recordEvent({ tx, organization, kind, ...where, facts, ids, clock: systemClock, onRecorded: fanOut.onRecorded }),
    );
    worker.nudge();
  }
  for (const receiver of receivers.values()) await receiver.count(2 * recorded.length);
  return (dialect: string): readonly Arrived[] => receivers.get(dialect)?.arrived ?? [];
}

const hmac = (body: string) => createHmac('sha256', secret).update(body).digest('hex');

eachDatabase((open, engine) => {
  test(`each attempt has the same delivery and the same bytes, verified by its dialect’s signature: ${engine}`, async (t) => {
    const arrived = await deliver(t, open);
    const named = [
      ['secure-source-manager', 'x-securesourcemanager', 'x-securesourcemanager-signature', ''],
      ['gitea', 'x-gitea', 'x-gitea-signature', ''],
      ['github', 'x-github', 'x-hub-signature-256', 'sha256='],
    ] as const;
    const names = {
      'secure-source-manager': ['pull_request', 'pull_request_comment', 'push', 'push'],
      gitea: ['delete', 'issue_comment', 'pull_request', 'push'],
      github: ['issue_comment', 'pull_request', 'push', 'push'],
    };
    for (const [dialect, family, signature, prefix] of named) {
      const byDelivery = Map.groupBy(arrived(dialect), ({ headers }) => String(headers[`${family}-delivery`]));
      assert.equal(byDelivery.size, recorded.length);
      const events = [...byDelivery].map(([delivery, attempts]) => {
        assert.match(delivery, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
        assert.deepEqual(
          attempts.map(({ headers }) => headers['x-gatepost-attempt']),
          ['1', '2'],
        );
        const [first, second] = attempts;
        assert.equal(first?.body, second?.body);
        assert.equal(second?.headers[signature], prefix + hmac(second?.body ?? ''));
        assert.equal(second.headers['content-type'], 'application/json');
        return String(second.headers[`${family}-event`]);
      });
      assert.deepEqual(events.toSorted(), names[dialect]);
    }
  });
});
