// @octokit/webhooks receives what the dialects github and gitea send, over HTTP and through its own middleware: it verifies the signature over the
// bytes that came, and hands the payload to the listener of its event and action.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { createNodeMiddleware, Webhooks } from '@octokit/webhooks';
import type { GatepostEvent } from '../../src/events/event.ts';
import type { Dialect } from '../../src/webhooks/dialects/dialect.ts';
import { giteaDialect } from '../../src/webhooks/dialects/gitea.ts';
import { githubDialect } from '../../src/webhooks/dialects/github.ts';
import { comments, eventOf, goneBranch, idOf, person, pullRequests, push, pushOf, repository, serverUrl } from './git-facts.ts';
import { senderOf } from './raw-receiver.ts';
import { requestOfEvent } from './request.ts';

const secret = 'секрет whsec_';

async function startOctokit(t: TestContext, secret: string) {
  const received: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const webhooks = new Webhooks({ secret, log });
  webhooks.on('push', ({ id, payload }) => {
    received.push(
      `${id} push ${payload.ref} ${payload.head_commit?.id ?? 'gone'} ${payload.commits.length} ${payload.repository.full_name}`,
    );
  });
  webhooks.on('pull_request', ({ payload }) => {
    received.push(`pull_request.${payload.action} ${payload.pull_request.head.ref} ${payload.pull_request.base.sha}`);
  });
  webhooks.on('pull_request.synchronize', ({ payload }) => void received.push(`synchronized ${payload.before} ${payload.after}`));
  webhooks.on('pull_request.closed', ({ payload }) => void received.push(`merged ${payload.pull_request.merged}`));
  webhooks.on('issue_comment', ({ payload }) => {
    received.push(`issue_comment.${payload.action} ${payload.issue.number} ${payload.comment.body}`);
  });
  webhooks.on('ping', ({ payload }) => void received.push(`ping ${payload.hook?.events?.join(' ') ?? ''}`));
  const middleware = createNodeMiddleware(webhooks, { path: '/hook', log });
  const server = createServer((request, response) => void middleware(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  t.after(() => server.closeAllConnections());
  return { received, url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`) };
}

async function deliver(
  t: TestContext,
  dialect: Dialect,
  events: readonly GatepostEvent[],
  secrets = { current: secret, previous: null as string | null },
) {
  const octokit = await startOctokit(t, secret);
  const sender = senderOf(t, { deadlineMs: 5_000 });
  const statuses: (number | null)[] = [];
  for (const event of events) {
    const delivery = '01920000-0000-7000-8000-00000000000f';
    statuses.push((await sender.send(requestOfEvent(event, { dialect, url: octokit.url, secrets, delivery }))).status);
  }
  return { received: octokit.received, statuses };
}

const ping = eventOf('webhook.ping', {
  organization: 'harbour',
  serverUrl,
  hook: { id: 'a', name: 'a', url: 'https://x', events: ['push', 'pull_request'], hasSecret: true, created: '2026-07-03T18:40:21Z' },
  repository,
  sender: person,
});

test('all that the dialect github says is verified and heard where it belongs', async (t) => {
  const events = [
    ping,
    eventOf('push', pushOf(3)),
    eventOf('push', goneBranch),
    eventOf('webhook.test', push()),
    ...Object.values(pullRequests).map((facts) => eventOf('pull_request', facts)),
    ...Object.values(comments).map((facts) => eventOf('pull_request_comment', facts)),
  ];
  const { received, statuses } = await deliver(t, githubDialect, events);
  assert.deepEqual(new Set(statuses), new Set([200]));
  const id = '01920000-0000-7000-8000-00000000000f';
  const about = `dev ${idOf('b')}`;
  assert.deepEqual(received.toSorted(), [
    `${id} push refs/heads/gone/#1 gone 0 harbour/crane`,
    `${id} push refs/heads/main ${idOf('b')} 1 harbour/crane`,
    `${id} push refs/heads/main ${'3'.padStart(40, 'c')} 3 harbour/crane`,
    'issue_comment.created 4 Fine & good',
    'issue_comment.deleted 4 Fine & good',
    'issue_comment.edited 4 Fine & good',
    'merged true',
    'ping push pull_request',
    `pull_request.closed ${about}`,
    `pull_request.edited ${about}`,
    `pull_request.opened ${about}`,
    `pull_request.reopened ${about}`,
    `pull_request.synchronize ${about}`,
    `synchronized ${idOf('8')} ${idOf('c')}`,
  ]);
});

test('the dialect gitea is verified by the same receiver, since it names its events so too', async (t) => {
  const events = [
    eventOf('push', pushOf(3)),
    eventOf('pull_request', pullRequests.opened),
    eventOf('pull_request_comment', comments.created),
  ];
  const { received, statuses } = await deliver(t, giteaDialect, events);
  assert.deepEqual(statuses, [200, 200, 200]);
  assert.equal(received.length, 3);
});

test('while a secret is being changed the old one verifies; another secret, or none, does not', async (t) => {
  const events = [eventOf('push', push())];
  assert.deepEqual((await deliver(t, githubDialect, events, { current: 'new', previous: secret })).statuses, [200]);
  const { statuses, received } = await deliver(t, githubDialect, events, { current: 'another', previous: null });
  assert.deepEqual([statuses, received], [[400], []]);
  const octokit = await startOctokit(t, secret);
  const unsigned = requestOfEvent(events[0] ?? ping, { dialect: githubDialect, url: octokit.url });
  assert.equal((await senderOf(t, { deadlineMs: 5_000 }).send(unsigned)).status, 400);
});
