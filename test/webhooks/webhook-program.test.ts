// Debian's `webhook` program receives what the git side's dialects send: its rules look into headers, query and body, verify signatures over the bytes
// that came, and it answers with what it read, so that each answer is held against the facts. Its rules say no with 403 here, which is no default.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { GatepostEvent } from '../../src/events/event.ts';
import type { Dialect } from '../../src/webhooks/dialects/dialect.ts';
import { giteaDialect } from '../../src/webhooks/dialects/gitea.ts';
import { githubDialect } from '../../src/webhooks/dialects/github.ts';
import { secureSourceManagerDialect } from '../../src/webhooks/dialects/secure-source-manager.ts';
import { findWebhookProgram } from '../run/webhook-program.ts';
import { comment, eventOf, html, idOf, pullRequest, push, pushOf } from './git-facts.ts';
import { senderOf } from './raw-receiver.ts';
import { requestOfEvent } from './request.ts';

const secret = 'a secret é';

const matches = (source: 'payload' | 'header' | 'url', name: string, value: string) => ({
  match: { type: 'value', value, parameter: { source, name } },
});
const signedIn = (name: string, type: 'payload-hmac-sha256' | 'payload-hmac-sha1' = 'payload-hmac-sha256') => ({
  match: { type, secret, parameter: { source: 'header', name } },
});
const payload = (...names: readonly string[]) => names.map((name) => ({ source: 'payload', name }));

/** Answers its arguments, one blank between them. */
const hook = (id: string, rules: readonly object[], read: readonly object[]) => ({
  id,
  'execute-command': '/bin/echo',
  'include-command-output-in-response': true,
  'trigger-rule-mismatch-http-response-code': 403,
  'pass-arguments-to-command': read,
  'trigger-rule': { and: rules },
});

const pushRead = payload('ref', 'before', 'after', 'commits.0.id', 'repository.clone_url', 'pusher.login', 'repository.size');
const hooks = [
  hook('ssm-push', [matches('header', 'X-SecureSourceManager-Event', 'push'), signedIn('X-SecureSourceManager-Signature')], pushRead),
  hook(
    'ssm-pull',
    [matches('header', 'X-SecureSourceManager-Event', 'pull_request'), matches('payload', 'action', 'opened')],
    payload('number', 'pull_request.head.ref', 'pull_request.base.repo.clone_url', 'pull_request.mergeable', 'pull_request.title'),
  ),
  hook(
    'ssm-comment',
    [matches('header', 'X-SecureSourceManager-Event', 'pull_request_comment')],
    payload('issue.number', 'comment.body', 'is_pull'),
  ),
  // What a build that is triggered by a webhook reads, and what its query says.
  hook(
    'build',
    [matches('url', 'key', 'k'), matches('url', 'secret', 's%'), matches('url', 'trigger', 't')],
    payload('ref', 'repository.clone_url'),
  ),
  hook('token', [matches('url', 'token', 'jenkins-job1')], payload('ref', 'repository.uris.git_https')),
  hook(
    'gitea',
    [matches('header', 'X-Gitea-Event', 'push'), signedIn('X-Gitea-Signature')],
    payload('head_commit.id', 'total_commits', 'commits.1.id'),
  ),
  hook(
    'github',
    [matches('header', 'X-GitHub-Event', 'push'), signedIn('X-Hub-Signature-256'), signedIn('X-Hub-Signature', 'payload-hmac-sha1')],
    payload('ref', 'head_commit.id', 'commits.0.id', 'repository.full_name', 'pusher.name'),
  ),
];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Sends an event to one of its hooks, and answers status and text. */
type Ask = (
  id: string,
  dialect: Dialect,
  event: GatepostEvent,
  options?: { readonly query?: string; readonly secret?: string | null },
) => Promise<readonly [number | null, string]>;

async function startProgram(t: TestContext): Promise<Ask> {
  const folder = mkdtempSync(join(tmpdir(), 'gatepost-webhook-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'hooks.json');
  writeFileSync(file, JSON.stringify(hooks));
  const port = await freePort();
  const child = spawn(findWebhookProgram(), ['-hooks', file, '-ip', '127.0.0.1', '-port', String(port), '-verbose'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => void child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.once('error', reject);
    child.once('exit', () => reject(new Error(said)));
    child.stderr.on('data', (piece: Buffer) => {
      said += piece.toString('utf8');
      if (said.includes('serving hooks on')) resolve();
    });
  });
  const sender = senderOf(t, { deadlineMs: 5_000 });
  return async (id, dialect, event, options = {}) => {
    const url = new URL(`http://127.0.0.1:${port}/hooks/${id}${options.query ?? ''}`);
    const current = options.secret === undefined ? secret : options.secret;
    const secrets = current === null ? null : { current, previous: null };
    const { status, body } = await sender.send(requestOfEvent(event, { dialect, url, secrets }));
    return [status, body?.toString('utf8').trim() ?? ''];
  };
}

test('its rules read what Secure Source Manager’s bodies and headers say, and verify the signature', async (t) => {
  const ask = await startProgram(t);
  const dialect = secureSourceManagerDialect;
  const pushed = eventOf('push', push());
  const [before, after] = [idOf('a'), idOf('b')];
  const read = `refs/heads/main ${before} ${after} ${after} ${html}.git ada@example.com 12`;
  assert.deepEqual(await ask('ssm-push', dialect, pushed), [200, read]);
  assert.deepEqual(await ask('ssm-push', dialect, eventOf('webhook.test', push())), [200, read], 'a test delivery too');
  // A signature that is not the secret's, or empty, is an error of the hook to it.
  assert.notEqual((await ask('ssm-push', dialect, pushed, { secret: 'another' }))[0], 200);
  assert.notEqual((await ask('ssm-push', dialect, pushed, { secret: null }))[0], 200);
  const opened = eventOf('pull_request', pullRequest());
  assert.equal((await ask('ssm-push', dialect, opened))[0], 403);
  assert.deepEqual(await ask('ssm-pull', dialect, opened, { secret: null }), [200, `4 dev ${html}.git true Lift <more>`]);
  const said = eventOf('pull_request_comment', comment());
  assert.deepEqual(await ask('ssm-comment', dialect, said, { secret: null }), [200, '4 Fine & good true']);
});

test('a build’s paths into the body and its key in the query are there, and a token in the query', async (t) => {
  const ask = await startProgram(t);
  const pushed = eventOf('push', push({ ref: 'refs/heads/feature/77' }));
  const of = (id: string, query: string) => ask(id, secureSourceManagerDialect, pushed, { query, secret: null });
  assert.deepEqual(await of('build', '?trigger=t&key=k&secret=s%25'), [200, `refs/heads/feature/77 ${html}.git`]);
  assert.equal((await of('build', '?trigger=t&key=k&secret=s'))[0], 403);
  assert.deepEqual(await of('token', '?token=jenkins-job1'), [200, `refs/heads/feature/77 ${html}.git`]);
  assert.equal((await of('token', '?token=jenkins-job2'))[0], 403);
});

test('it reads and verifies the dialects gitea and github as well', async (t) => {
  const ask = await startProgram(t);
  const pushed = eventOf('push', pushOf(3));
  const id = (n: number) => String(n).padStart(40, 'c');
  assert.deepEqual(await ask('gitea', giteaDialect, pushed), [200, `${id(3)} 3 ${id(2)}`]);
  assert.deepEqual(await ask('github', githubDialect, pushed), [200, `refs/heads/main ${id(3)} ${id(1)} harbour/crane ada@example.com`]);
  assert.notEqual((await ask('github', githubDialect, pushed, { secret: 'another' }))[0], 200);
  assert.notEqual((await ask('gitea', giteaDialect, pushed, { secret: 'another' }))[0], 200);
});
