import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { describeSettings, environmentWith, readConfiguration } from './configuration.ts';

function problems(environment: Record<string, string>): string {
  try {
    readConfiguration(environment);
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return '';
}

test('without any setting every default holds, and what is empty counts as not set', () => {
  const configuration = readConfiguration({ GATEPOST_URL: '', GATEPOST_PORT: ' ', PATH: '/bin' });
  assert.equal(configuration.port, 8480);
  assert.equal(configuration.host, '127.0.0.1');
  assert.equal(configuration.url, null);
  assert.equal(configuration.data, resolve('data'));
  assert.equal(configuration.artifacts, resolve('data/artifacts'));
  assert.equal(configuration.retryForMs, 5 * 24 * 3_600_000);
  assert.equal(configuration.uploadBytesMax, 1024 ** 3);
});

test('an unknown setting stops the start, and all problems are named at once', () => {
  const text = problems({ GATEPOST_RETRYINTERVAL: '1h', GATEPOST_PORT: '99999', GATEPOST_LOG: 'loud', GATEPOST_NONSENSE: 'x' });
  assert.match(text, /^GATEPOST_RETRYINTERVAL: no such setting \(did you mean GATEPOST_RETRY_INTERVAL\?\)$/m);
  assert.match(text, /^GATEPOST_NONSENSE: no such setting$/m);
  assert.match(text, /^GATEPOST_PORT: must be a whole number from 0 to 65535$/m);
  assert.match(text, /^GATEPOST_LOG: must be one of/m);
});

test('what Kubernetes injects for a service of our name is passed over', () => {
  const configuration = readConfiguration({
    GATEPOST_PORT: 'tcp://10.0.0.1:8480',
    GATEPOST_SERVICE_HOST: '10.0.0.1',
    GATEPOST_SERVICE_PORT: '8480',
    GATEPOST_SERVICE_PORT_HTTP: '8480',
    GATEPOST_PORT_8480_TCP: 'tcp://10.0.0.1:8480',
    GATEPOST_PORT_8480_TCP_PROTO: 'tcp',
    GATEPOST_PORT_8480_TCP_PORT: '8480',
    GATEPOST_PORT_8480_TCP_ADDR: '10.0.0.1',
    GATEPOST_POSTGRES_SERVICE_HOST: '10.0.0.2',
    GATEPOST_POSTGRES_PORT: 'tcp://10.0.0.2:5432',
  });
  assert.equal(configuration.port, 8480);
  assert.match(problems({ GATEPOST_PORT: 'http://x' }), /GATEPOST_PORT/);
});

test('durations, sizes, networks, hosts, paths and keys are read strictly', () => {
  const key = Buffer.alloc(32, 7).toString('base64');
  const good = readConfiguration({
    GATEPOST_RETRY_INTERVAL: '250ms',
    GATEPOST_RETRY_FOR: '2d',
    GATEPOST_UPLOAD_MAX: '500MiB',
    GATEPOST_WEBHOOKS_ALLOW: '10.0.0.0/8, hooks.internal *.example.org fd00::/8',
    GATEPOST_TRUST_PROXY: '127.0.0.1,10.0.0.0/8',
    GATEPOST_PATH: '/gatepost/',
    GATEPOST_SECRET_KEY: key,
    GATEPOST_URL: 'https://example.org/gatepost/',
    DATABASE_URL: 'postgres://u:p@db/x',
    GATEPOST_PROXY: 'http://u:p@proxy.internal:3128',
    GATEPOST_WEBHOOK_HEADERS: '{"x-env":"test"}',
  });
  assert.equal(good.proxy, 'http://u:p@proxy.internal:3128');
  assert.deepEqual(good.webhookHeaders, { 'x-env': 'test' });
  assert.equal(good.retryIntervalMs, 250);
  assert.equal(good.retryForMs, 172_800_000);
  assert.equal(good.uploadBytesMax, 500 * 1024 * 1024);
  assert.deepEqual(good.webhooksAllow, ['10.0.0.0/8', 'hooks.internal', '*.example.org', 'fd00::/8']);
  assert.deepEqual(good.trustProxy, ['127.0.0.1', '10.0.0.0/8']);
  assert.equal(good.path, '/gatepost');
  assert.equal(good.secretKey?.toString('base64'), key);
  assert.equal(good.url, 'https://example.org/gatepost');
  for (const [name, value] of [
    ['GATEPOST_RETRY_INTERVAL', '1 hour'],
    ['GATEPOST_RETRY_INTERVAL', '0s'],
    ['GATEPOST_RETRY_INTERVAL', '-1h'],
    ['GATEPOST_UPLOAD_MAX', '1G'],
    ['GATEPOST_WEBHOOKS_ALLOW', '10.0.0.0/99'],
    ['GATEPOST_WEBHOOKS_ALLOW', 'http://x'],
    ['GATEPOST_WEBHOOKS_ALLOW', '10.0.0.300'],
    ['GATEPOST_TRUST_PROXY', 'everybody'],
    ['GATEPOST_PATH', 'gatepost'],
    ['GATEPOST_PATH', '/../x'],
    ['GATEPOST_SECRET_KEY', 'c2hvcnQ='],
    ['GATEPOST_URL', 'example.org'],
    ['GATEPOST_URL', 'https://u:p@example.org'],
    ['DATABASE_URL', 'mysql://x'],
    ['GATEPOST_PROXY', 'socks5://x'],
    ['GATEPOST_WEBHOOK_HEADERS', 'x-env: test'],
    ['GATEPOST_WEBHOOK_HEADERS', '["x"]'],
    ['GATEPOST_WEBHOOK_HEADERS', '{"x-a":1}'],
  ] as const) {
    assert.match(problems({ [name]: value }), new RegExp(`^${name}: `), `${name}=${value}`);
  }
});

test('a mail server needs a sender, and neither of them is repeated where it is wrong', () => {
  const smtp = 'smtps://user:hunter2@mail.example.com:465';
  assert.equal(readConfiguration({ GATEPOST_SMTP_URL: smtp, GATEPOST_MAIL_FROM: 'Gatepost <a@example.com>' }).smtpUrl, smtp);
  assert.equal(problems({ GATEPOST_SMTP_URL: smtp }), 'GATEPOST_MAIL_FROM: must be set where GATEPOST_SMTP_URL is');
  const bad = problems({ GATEPOST_SMTP_URL: 'user:hunter2@mail', GATEPOST_MAIL_FROM: 'a@b\r\nBcc: c@d' });
  assert.match(
    bad,
    /^GATEPOST_SMTP_URL: must be a URL that begins with smtp:\/\/ or smtps:\/\/\nGATEPOST_MAIL_FROM: must be a mail address/,
  );
  assert.ok(!bad.includes('hunter2') && !bad.includes('Bcc'));
  for (const from of ['nobody', '<a@b', 'a@b>', 'a b@c', '@b', 'x <a@b> y'])
    assert.notEqual(problems({ GATEPOST_MAIL_FROM: from }), '', from);
});

test('a bad secret key is not repeated in the refusal', () => {
  assert.doesNotMatch(problems({ GATEPOST_WEBHOOK_HEADERS: '{"a":"PLANTED"', GATEPOST_PROXY: 'ftp://PLANTED@x' }), /PLANTED/);
  assert.doesNotMatch(problems({ GATEPOST_SECRET_KEY: 'PLANTED', DATABASE_URL: 'mysql://u:PLANTED@x' }), /PLANTED/);
});

test('a .env file is read, and the environment stands above it', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-env-'));
  t.after(() => rmSync(directory, { recursive: true }));
  assert.deepEqual(environmentWith(directory, { A: '1' }), { A: '1' });
  writeFileSync(join(directory, '.env'), '# ours\nGATEPOST_PORT=9000\nGATEPOST_HOST="0.0.0.0"\n');
  const configuration = readConfiguration(environmentWith(directory, { GATEPOST_PORT: '9001' }));
  assert.deepEqual([configuration.port, configuration.host], [9001, '0.0.0.0']);
});

test('every setting is described with type, default and reason', () => {
  const described = describeSettings();
  assert.equal(new Set(described.map(({ name }) => name)).size, described.length);
  for (const one of described) for (const part of [one.name, one.type, one.default, one.reason]) assert.notEqual(part, '');
});
