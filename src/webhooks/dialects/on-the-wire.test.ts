// What webhooks of the git side put on the wire, to receivers made of bare sockets: the very bytes of the head, an empty signature among them.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { eventOf, push } from '../../../test/webhooks/git-facts.ts';
import { ok, receive, senderOf } from '../../../test/webhooks/raw-receiver.ts';
import { requestOf, requestOfEvent, targetOf } from '../../../test/webhooks/request.ts';
import { shownRequest } from '../delivery/attempt.ts';
import type { LiveSecrets } from '../signing/secret.ts';
import type { Dialect } from './dialect.ts';
import { giteaDialect } from './gitea.ts';
import { githubDialect } from './github.ts';
import { secureSourceManagerDialect } from './secure-source-manager.ts';

const event = eventOf('push', push());
const hmac = (algorithm: string, secret: string, dialect: Dialect) =>
  createHmac(algorithm, secret).update(dialect.body(event)).digest('hex');

/** The lines of the head behind the event's own, up to the length. */
async function signatures(t: TestContext, dialect: Dialect, secrets: LiveSecrets | null): Promise<readonly string[]> {
  const receiver = await receive(t, (socket) => socket.write(ok));
  const answer = await senderOf(t).send(requestOfEvent(event, { dialect, url: receiver.url, secrets }));
  assert.equal(answer.status, 200);
  const [head = '', body = ''] = receiver.requests[0]?.split('\r\n\r\n') ?? [];
  assert.equal(body, dialect.body(event).toString('latin1'));
  const lines = head.split('\r\n');
  assert.deepEqual(lines.slice(-3), [
    'Content-Type: application/json',
    'User-Agent: Gatepost/1',
    `content-length: ${dialect.body(event).length}`,
  ]);
  return lines.slice(lines.indexOf('x-gatepost-attempt: 1') + 1, -3);
}

test('without a secret Secure Source Manager’s signature is there, and empty', async (t) => {
  const receiver = await receive(t, (socket) => socket.write(ok));
  await senderOf(t).send(requestOfEvent(event, { dialect: secureSourceManagerDialect, url: receiver.url, delivery: 'd-1' }));
  assert.deepEqual(receiver.requests[0]?.split('\r\n').slice(0, 10), [
    'POST /hook?a=b HTTP/1.1',
    `host: 127.0.0.1:${receiver.port}`,
    'connection: keep-alive',
    'X-SecureSourceManager-Delivery: d-1',
    'X-SecureSourceManager-Event: push',
    'x-gatepost-event: push',
    'x-gatepost-attempt: 1',
    'X-SecureSourceManager-Signature: ',
    'Content-Type: application/json',
    'User-Agent: Gatepost/1',
  ]);
});

test('with a secret it is bare hexadecimal, made with the old one while that is being changed', async (t) => {
  const dialect = secureSourceManagerDialect;
  const name = 'X-SecureSourceManager-Signature';
  const [old, current] = [hmac('sha256', 'old', dialect), hmac('sha256', 'ключ', dialect)];
  assert.deepEqual(await signatures(t, dialect, { current: 'ключ', previous: null }), [`${name}: ${current}`]);
  assert.deepEqual(await signatures(t, dialect, { current: 'ключ', previous: 'old' }), [`${name}: ${old}`, `${name}-Next: ${current}`]);
});

test('Gitea’s four signatures are there with a secret, and as empty as its own without', async (t) => {
  const dialect = giteaDialect;
  const bare = hmac('sha256', 's', dialect);
  assert.deepEqual(await signatures(t, dialect, { current: 's', previous: null }), [
    `X-Gitea-Signature: ${bare}`,
    `X-Gogs-Signature: ${bare}`,
    `X-Hub-Signature: sha1=${hmac('sha1', 's', dialect)}`,
    `X-Hub-Signature-256: sha256=${bare}`,
  ]);
  assert.deepEqual(await signatures(t, dialect, null), [
    'X-Gitea-Signature: ',
    'X-Gogs-Signature: ',
    'X-Hub-Signature: sha1=',
    'X-Hub-Signature-256: sha256=',
  ]);
});

test('GitHub’s two are there with a secret, both while it is being changed, and none without', async (t) => {
  const dialect = githubDialect;
  const of = (secret: string) => ({ sha1: hmac('sha1', secret, dialect), sha256: hmac('sha256', secret, dialect) });
  assert.deepEqual(await signatures(t, dialect, null), []);
  assert.deepEqual(await signatures(t, dialect, { current: 'new', previous: 'old' }), [
    `X-Hub-Signature: sha1=${of('old').sha1}`,
    `X-Hub-Signature-next: sha1=${of('new').sha1}`,
    `X-Hub-Signature-256: sha256=${of('old').sha256}`,
    `X-Hub-Signature-256-next: sha256=${of('new').sha256}`,
  ]);
});

test('no signature is kept or shown, in any of its forms; that there was none is', () => {
  for (const dialect of [secureSourceManagerDialect, giteaDialect, githubDialect]) {
    const options = { dialect, kind: 'push', body: dialect.body(event), url: new URL('http://receiver.example/') };
    const shown = shownRequest(requestOf({ ...options, secrets: { current: 's', previous: 'old' } }), targetOf(options), null);
    assert.doesNotMatch(shown, /[0-9a-f]{20}/);
    assert.match(shown, /signature[^"]*":"(sha1=|sha256=)?\*\*\*"/);
  }
  const options = { dialect: giteaDialect, kind: 'push', body: giteaDialect.body(event), url: new URL('http://receiver.example/') };
  const { headers } = JSON.parse(shownRequest(requestOf(options), targetOf(options), null)) as { headers: Record<string, string> };
  assert.deepEqual([headers['x-gitea-signature'], headers['x-hub-signature'], headers['x-hub-signature-256']], ['', 'sha1=', 'sha256=']);
});
