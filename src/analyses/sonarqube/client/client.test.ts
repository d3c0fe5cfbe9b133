// The client against a stand-in that misbehaves in every way a source was seen to: each has one code, none shows the token.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { makeFacts } from '../../../../test/sonarqube/facts.ts';
import { quickLimits } from '../../../../test/sonarqube/fetched.ts';
import { type Fault, startStub, type Stub } from '../../../../test/sonarqube/stub.ts';
import { makeAuthority } from '../../../../test/webhooks/certificates.ts';
import { systemClock } from '../../../clock.ts';
import { GatepostError } from '../../../errors.ts';
import { createSourceGuard, parseSourceAllowlist } from './address.ts';
import { createSonarqubeClient, type SonarqubeClientOptions } from './client.ts';

async function serving(t: TestContext, options: { readonly flavour?: '9.9' | '26.9'; readonly context?: string } = {}): Promise<Stub> {
  const stub = await startStub({ facts: makeFacts({ issues: 3, flavour: options.flavour ?? '26.9' }), ...options });
  t.after(() => stub.close());
  return stub;
}

function clientOf(t: TestContext, options: Partial<SonarqubeClientOptions> & { readonly url: string }) {
  const limits = { ...quickLimits, ...options.limits };
  const client = createSonarqubeClient({ token: 'squ_secret', clock: systemClock, ...options, limits });
  t.after(() => client.close());
  return client;
}

/** The code of a call that fails; nothing of the error may show the token. */
async function codeOf(call: Promise<unknown>, secret: string): Promise<string> {
  const error: unknown = await call.then(
    () => assert.fail('It should have failed.'),
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof GatepostError, String(error));
  const told = `${error.message} ${JSON.stringify(error.details)} ${error.stack}`;
  assert.ok(!told.includes(secret) && !told.includes(Buffer.from(`${secret}:`).toString('base64')));
  return error.code;
}

const path = 'api/issues/search';
const faults: readonly (readonly [name: string, fault: Fault, code: string])[] = [
  ['a refused token', { status: 401 }, 'source_token_refused'],
  ['no rights', { status: 403, message: 'Insufficient privileges' }, 'source_forbidden'],
  ['an unknown path', { status: 404, message: 'Unknown url : /api/issues/search' }, 'source_path_unknown'],
  ['an unknown thing', { status: 404, message: "Component key 'x' not found" }, 'source_not_found'],
  ['a bad request', { status: 400, message: 'Can return only the first 10000 results. 10100th result asked.' }, 'source_refused'],
  ['a failure', { status: 500 }, 'source_failing'],
  ['a gateway without a server', { status: 502 }, 'source_failing'],
  ['too many requests', { status: 429, retryAfter: '3600' }, 'source_busy'],
  ['an index that is built', { status: 503 }, 'source_busy'],
  ['a sign-in page', { html: 200 }, 'source_not_sonarqube'],
  ['a page of a proxy', { html: 404 }, 'source_not_sonarqube'],
  ['a redirect to a sign-in', { redirect: 'https://login.example.test/' }, 'source_not_sonarqube'],
  ['JSON that is none', { body: '{"paging":' }, 'source_answer_invalid'],
  ['a connection that is cut before the answer', { cut: 'before' }, 'source_unreachable'],
  ['an answer that is cut', { cut: 'within' }, 'source_answer_invalid'],
  ['no answer', { hang: true }, 'source_timeout'],
];

for (const [name, fault, code] of faults) {
  test(`${name} is ${code}`, async (t) => {
    const stub = await serving(t);
    const client = clientOf(t, { url: stub.url, token: stub.token, limits: { readTimeoutMs: 300 } });
    stub.faults.push({ path: /issues/, fault });
    assert.equal(await codeOf(client.get(path, { ps: 1 }), stub.token), code);
  });
}

test('a server that is migrating its database, or starting, is told from one that fails', async (t) => {
  const stub = await serving(t);
  const client = clientOf(t, { url: stub.url, token: stub.token });
  stub.faults.push({ path: /issues/, fault: { html: 503 } });
  for (const [status, code] of [
    ['DB_MIGRATION_NEEDED', 'source_upgrading'],
    ['DB_MIGRATION_RUNNING', 'source_upgrading'],
    ['STARTING', 'source_starting'],
    ['RESTARTING', 'source_starting'],
    ['UP', 'source_busy'],
  ] as const) {
    stub.status = status;
    assert.equal(await codeOf(client.get(path), stub.token), code);
  }
});

test('nothing that listens, a name that nobody has, something that is no HTTP', async (t) => {
  assert.equal(await codeOf(clientOf(t, { url: 'http://127.0.0.1:1' }).get(path), 'squ_secret'), 'source_unreachable');
  assert.equal(await codeOf(clientOf(t, { url: 'http://no-such-host.invalid' }).get(path), 'squ_secret'), 'source_unreachable');
  const other = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end('this is not http\r\n\r\n'));
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  assert.equal(await codeOf(clientOf(t, { url }).get(path), 'squ_secret'), 'source_not_sonarqube');
});

test('a certificate of its own is refused, and believed with the authority', async (t) => {
  const authority = makeAuthority();
  const stub = await startStub({ facts: makeFacts({ issues: 3 }), tls: authority.issue('IP:127.0.0.1') });
  t.after(() => stub.close());
  assert.equal(await codeOf(clientOf(t, { url: stub.url, token: stub.token }).get(path), stub.token), 'source_tls');
  const answer = await clientOf(t, { url: stub.url, token: stub.token, ca: authority.ca }).get(path, { ps: 1 });
  assert.equal((answer as { total: number }).total, 3);
  assert.equal(await codeOf(clientOf(t, { url: stub.url.replace('https', 'http') }).get(path), 'squ_secret'), 'source_unreachable');
});

test('an answer that is larger than allowed is refused, packed or not', async (t) => {
  const stub = await serving(t);
  const client = clientOf(t, { url: stub.url, token: stub.token, limits: { answerBytesMax: 1_000 } });
  assert.equal(await codeOf(client.get(path), stub.token), 'source_answer_invalid');
});

test('a connection that breaks and a server that is busy for a moment are tried again, a POST is not', async (t) => {
  const stub = await serving(t);
  const client = clientOf(t, { url: stub.url, token: stub.token });
  stub.faults.push(
    { path: /issues/, fault: { cut: 'before' }, times: 1 },
    { path: /issues/, fault: { status: 503, retryAfter: '0' }, times: 1 },
  );
  assert.equal(((await client.get(path)) as { total: number }).total, 3);
  stub.faults.push({ path: /webhooks/, fault: { cut: 'before' }, times: 1 });
  assert.equal(await codeOf(client.post('api/webhooks/create', { name: 'n', url: 'http://h' }), stub.token), 'source_unreachable');
  assert.deepEqual(await client.post('api/webhooks/create', { name: 'n & <m>', url: 'http://h' }), {
    webhook: { key: 'hook-1', name: 'n & <m>', url: 'http://h', hasSecret: false },
  });
});

test('9.9 is shown the token as the user of Basic, newer ones as Bearer, and a path before `api` is kept', async (t) => {
  for (const flavour of ['9.9', '26.9'] as const) {
    const stub = await serving(t, { flavour, context: '/sub' });
    const client = clientOf(t, { url: `${stub.url}/`, token: stub.token });
    assert.equal(((await client.get(path)) as { total: number }).total, 3);
    assert.deepEqual(await client.get('api/authentication/validate'), { valid: true });
    assert.match(await client.text('api/server/version'), /^\d+\.9/);
    assert.equal(client.requests, stub.asked.length);
    assert.equal(client.requests, 4);
    assert.equal(client.url, stub.url);
  }
});

test('a token that is revoked in between is refused; a server that was upgraded in between is spoken to anew', async (t) => {
  const stub = await serving(t, { flavour: '9.9' });
  const client = clientOf(t, { url: stub.url, token: stub.token });
  await client.get(path);
  stub.facts = makeFacts({ issues: 5 });
  assert.equal(((await client.get(path)) as { total: number }).total, 5);
  stub.faults.push({ fault: { status: 401 } });
  assert.equal(await codeOf(client.get(path), stub.token), 'source_token_refused');
});

test('no more requests at once and a minute than allowed, and a stopped call leaves its place to others', async (t) => {
  const stub = await serving(t);
  const client = clientOf(t, { url: stub.url, token: stub.token, limits: { atOnceMax: 2 } });
  await client.get(path);
  const stop = new AbortController();
  stub.faults.push({ path: /issues/, fault: { hang: true }, times: 2 });
  const hanging = [client.get(path, {}, { signal: stop.signal }), client.get(path, {}, { signal: stop.signal })];
  const waiting = [client.get(path, {}, { signal: stop.signal }), client.get(path)];
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(client.requests, 4);
  stop.abort();
  const codes = await Promise.all([...hanging, waiting[0]].map((call) => codeOf(call ?? Promise.resolve(), stub.token)));
  assert.deepEqual(codes, ['stopped', 'stopped', 'stopped']);
  assert.equal(((await waiting[1]) as { total: number }).total, 3);

  const slow = clientOf(t, { url: stub.url, token: stub.token, limits: { perMinuteMax: 600 } });
  const began = Date.now();
  await Promise.all(Array.from({ length: 64 }, () => slow.get(path)));
  // 60 at once, then one each 100 ms.
  assert.ok(Date.now() - began >= 400);
});

test('private and loopback addresses may be sources, cloud metadata and the like never; an allowlist is the whole list', async () => {
  const refusal = (url: string, allow: readonly string[] = []) =>
    createSourceGuard({ allow: parseSourceAllowlist(allow) }).refuses(new URL(url));
  for (const url of [
    'http://127.0.0.1:9000',
    'http://10.1.2.3',
    'http://192.168.1.1',
    'http://[::1]',
    'http://[fd00::1]',
    'http://sonar.internal',
  ]) {
    assert.equal(refusal(url), null, url);
  }
  const refused = [
    '169.254.169.254',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '[fe80::1]',
    '[::]',
    '[ff02::1]',
    '[fd00:ec2::254]',
    '100.100.100.200',
  ];
  for (const host of [...refused, '[::ffff:169.254.169.254]', '[64:ff9b::a9fe:a9fe]', '2852039166', '0xa9fea9fe']) {
    assert.notEqual(refusal(`http://${host}/`), null, host);
  }
  assert.equal(refusal('http://10.1.2.3', ['10.0.0.0/8']), null);
  assert.equal(refusal('http://10.1.2.3', ['192.168.0.0/16']), 'not_allowed');
  assert.equal(refusal('http://sonar.example.test', ['*.example.test']), null);
  assert.equal(refusal('http://example.test', ['*.example.test']), 'not_allowed');
  assert.throws(() => parseSourceAllowlist(['not a host!']), { code: 'invalid_sources_allow' });

  const resolve = async () => [
    { address: '10.0.0.1', family: 4 },
    { address: '169.254.169.254', family: 4 },
  ];
  const looked = await new Promise<NodeJS.ErrnoException | null>((answer) => {
    createSourceGuard({ allow: null, resolve }).lookup('rebinding.test', { all: true }, (error) => answer(error));
  });
  assert.equal(looked?.code, 'SOURCE_ADDRESS_REFUSED');
});

test('a name that leads to a refused address is refused before anything is sent', async (t) => {
  const client = clientOf(t, { url: 'http://metadata.test', resolve: async () => [{ address: '169.254.169.254', family: 4 }] });
  assert.equal(await codeOf(client.get(path), 'squ_secret'), 'source_address_refused');
});
