// Whom a connection believes: the public authorities, those of the settings, and a webhook's own; nobody else.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { Issued, TestAuthority } from '../../../test/webhooks/certificates.ts';
import { makeAuthority } from '../../../test/webhooks/certificates.ts';
import { ok, outgoing, receive, senderOf } from '../../../test/webhooks/raw-receiver.ts';
import { authorityCertificatesMax, authorityCharactersMax, checkedAuthorities, readAuthorities } from './authorities.ts';

let authority: TestAuthority;
let issued: Issued;
before(() => {
  authority = makeAuthority();
  issued = authority.issue('DNS:receiver.example,IP:127.0.0.1');
});

test('a certificate that nobody vouches for is refused', async (t) => {
  const receiver = await receive(t, (socket) => socket.end(ok), createTlsServer(issued));
  const answer = await senderOf(t).send(outgoing(new URL(`https://127.0.0.1:${receiver.port}/`)));
  assert.equal(answer.failure, 'tls_failed');
  assert.equal(receiver.requests.length, 0);
  const plain = await receive(t, (socket) => socket.end(ok));
  const noTls = await senderOf(t).send(outgoing(new URL(`https://127.0.0.1:${plain.port}/`)));
  assert.ok(['tls_failed', 'timeout', 'connection_closed'].includes(noTls.failure ?? ''), String(noTls.failure));
});

test('an authority of the settings is believed by all, one of a webhook by that one alone', async (t) => {
  const receiver = await receive(t, (socket) => socket.write(ok), createTlsServer(issued));
  const url = new URL(`https://127.0.0.1:${receiver.port}/`);
  const forAll = senderOf(t, { ca: authority.ca });
  assert.equal((await forAll.send(outgoing(url))).status, 200);
  assert.equal((await forAll.send(outgoing(url, 'other', { ca: makeAuthority().ca }))).status, 200, 'its own stands beside it');
  const sender = senderOf(t);
  assert.equal((await sender.send(outgoing(url, 'a', { ca: authority.ca }))).status, 200);
  assert.equal((await sender.send(outgoing(url, 'b'))).failure, 'tls_failed');
  assert.equal((await sender.send(outgoing(url, 'c', { ca: makeAuthority().ca }))).failure, 'tls_failed');
  // Taken away again, it is not believed any more, whatever connection was kept.
  assert.equal((await sender.send(outgoing(url, 'a'))).failure, 'tls_failed');
});

test('the name is checked that the URL has, an address too, with or without a dot at its end', async (t) => {
  const receiver = await receive(t, (socket) => socket.write(ok), createTlsServer(issued));
  const sender = senderOf(t, { ca: authority.ca, resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
  for (const [host, failure] of [
    ['receiver.example', null],
    ['receiver.example.', null],
    ['127.0.0.1', null],
    ['other.example', 'tls_failed'],
  ] as const) {
    const answer = await sender.send(outgoing(new URL(`https://${host}:${receiver.port}/`), host));
    assert.equal(answer.failure, failure, host);
  }
});

test('certificates are read strictly, up to their limits, and never told', (t) => {
  assert.equal(checkedAuthorities(`# our own\n${authority.ca}\n\ntail`), checkedAuthorities(authority.ca));
  assert.ok(checkedAuthorities(authority.ca.repeat(authorityCertificatesMax)));
  for (const pem of [
    '',
    'rubbish',
    authority.ca + issued.key,
    authority.ca.slice(0, 200),
    authority.ca.replace(/\nMII/, '\nAAA'),
    authority.ca.repeat(authorityCertificatesMax + 1),
    authority.ca + ' '.repeat(authorityCharactersMax),
    '-----BEGIN CERTIFICATE REQUEST-----\nMII=\n-----END CERTIFICATE REQUEST-----\n',
  ]) {
    assert.throws(
      () => checkedAuthorities(pem),
      (error: Error & { code?: string }) => error.code === 'invalid_ca' && !error.message.includes('MII'),
      pem.slice(0, 50),
    );
  }
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-ca-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'ca.pem');
  assert.throws(() => readAuthorities(path), { code: 'invalid_ca_file' });
  writeFileSync(path, issued.key);
  assert.throws(() => readAuthorities(path), { code: 'invalid_ca_file' });
  writeFileSync(path, authority.ca);
  assert.equal(readAuthorities(path), checkedAuthorities(authority.ca));
});
