// Every form that an address can be written in is put into a URL, as a person would, and judged where a webhook is made (`refuses`,
// `refusesNow`) and where something is sent (`lookup`, as net.connect calls it). The table says why each is refused; null: it may be reached.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Guard } from './guard.ts';
import { forms } from '../../../test/webhooks/address-forms.ts';
import { AddressRefused, createGuard, nothingAllowed, parseAllowlist } from './guard.ts';

const clock = { now: () => 0 };
const own = ['8.8.4.4', '2606:4700:4700::1001'];

function guardOf(allow = nothingAllowed, addresses: readonly string[] = [], log: string[] = []): Guard {
  return createGuard({
    allow,
    clock,
    ownAddresses: () => own,
    resolve: async (host) => {
      log.push(host);
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
  });
}

const bare = (hostname: string) => hostname.replace(/^\[(.*)\]$/, '$1');

async function connectTo(guard: Guard, host: string): Promise<unknown> {
  return new Promise((resolve) => {
    guard.lookup(host, { all: true }, (error, addresses) => resolve(error ?? addresses));
  });
}

test('there are at least 200 forms in the table, none twice', () => {
  assert.ok(forms.length >= 200, String(forms.length));
  assert.equal(new Set(forms.map(([host]) => host)).size, forms.length);
});

test('every form of a refused address is refused where a webhook is made, each with its reason', async () => {
  for (const [host, reason] of forms) {
    const url = new URL(`http://${host}:8080/hook`);
    assert.equal(guardOf().refuses(url), reason, host);
    assert.equal(await guardOf().refusesNow(url), reason, host);
  }
});

test('every form is judged the same where its addresses are given to a proxy', async () => {
  for (const [host, reason] of forms) {
    const url = new URL(`http://${host}:8080/`);
    const given = guardOf(nothingAllowed, ['9.9.9.9']).addressesOf(url);
    if (reason !== null) await assert.rejects(given, (error) => error instanceof AddressRefused && error.reason === reason, host);
    else assert.deepEqual(await given, [{ address: bare(url.hostname), family: url.hostname.startsWith('[') ? 6 : 4 }], host);
    if (url.hostname.includes('localhost')) continue;
    const resolved = guardOf(nothingAllowed, ['9.9.9.9', bare(url.hostname)]).addressesOf(new URL('http://receiver.example/'));
    if (reason === null) assert.equal((await resolved).length, 2, host);
    else await assert.rejects(resolved, (error) => error instanceof AddressRefused && error.reason === reason, host);
  }
});

test('a name that resolves to any refused address is refused where a webhook is made and where something is sent', async () => {
  for (const [host, reason] of forms) {
    const address = bare(new URL(`http://${host}/`).hostname);
    if (address.includes('localhost')) continue;
    // A good address before it does not help, nor one behind it.
    for (const addresses of [[address], ['9.9.9.9', address], [address, '9.9.9.9']]) {
      const guard = guardOf(nothingAllowed, addresses);
      assert.equal(await guard.refusesNow(new URL('https://receiver.example.com/')), reason, host);
      const answer = await connectTo(guard, 'receiver.example.com');
      if (reason === null) assert.equal((answer as unknown[]).length, addresses.length, host);
      else assert.ok(answer instanceof AddressRefused && answer.reason === reason, host);
    }
  }
});

test('a name is looked up once for a connection, and the checked address is the one given to connect to', async () => {
  const asked: string[] = [];
  const guard = guardOf(nothingAllowed, ['9.9.9.9', '2620:fe::fe'], asked);
  assert.deepEqual(await connectTo(guard, 'receiver.example.com'), [
    { address: '9.9.9.9', family: 4 },
    { address: '2620:fe::fe', family: 6 },
  ]);
  assert.deepEqual(asked, ['receiver.example.com']);
  const one = await new Promise((resolve) => {
    guard.lookup('receiver.example.com', { family: 6 }, (_error, address, family) => resolve([address, family]));
  });
  assert.deepEqual(one, ['2620:fe::fe', 6]);
});

test('a name that answers otherwise the second time is judged by what it is connected to', async () => {
  const answers = ['9.9.9.9', '127.0.0.1'];
  const guard = createGuard({
    allow: nothingAllowed,
    clock,
    ownAddresses: () => own,
    resolve: async () => [{ address: answers.shift() ?? '127.0.0.1', family: 4 }],
  });
  assert.equal(await guard.refusesNow(new URL('http://rebinding.example.com/')), null);
  const answer = await connectTo(guard, 'rebinding.example.com');
  assert.ok(answer instanceof AddressRefused && answer.reason === 'loopback');
});

test('what the setting allows may be reached, by range, by address and by host, and nothing beside it', async () => {
  const allow = parseAllowlist([
    '10.1.0.0/16',
    '127.0.0.1',
    'fd00::/8',
    '[::1]',
    'receiver.internal',
    '*.lab.example.org',
    'bücher.example',
  ]);
  const guard = guardOf(allow);
  const verdicts: readonly (readonly [string, string | null])[] = [
    ['http://10.1.255.255/', null],
    ['http://10.2.0.0/', 'private'],
    ['http://127.0.0.1/', null],
    ['http://0x7f.1/', null],
    ['http://127.0.0.2/', 'loopback'],
    ['http://[::1]/', null],
    ['http://[fd12::1]/', null],
    ['http://[fc12::1]/', 'private'],
    ['http://[::ffff:10.1.2.3]/', null],
    ['http://[64:ff9b::10.2.2.3]/', 'nat64:private'],
    ['http://[2002:a01:203::1]/', null],
  ];
  for (const [url, reason] of verdicts) assert.equal(guard.refuses(new URL(url)), reason, url);
  for (const host of ['receiver.internal', 'RECEIVER.internal.', 'a.lab.example.org', 'xn--bcher-kva.example']) {
    assert.deepEqual(await connectTo(guardOf(allow, ['192.168.7.7']), host), [{ address: '192.168.7.7', family: 4 }], host);
  }
  for (const host of ['other.internal', 'lab.example.org', 'evillab.example.org', 'receiver.internal.example.org']) {
    assert.ok((await connectTo(guardOf(allow, ['192.168.7.7']), host)) instanceof AddressRefused, host);
  }
  // localhost is whatever the machine says it is, once a range is allowed.
  assert.equal(await guardOf(allow, ['127.0.0.1']).refusesNow(new URL('http://localhost/')), null);
  assert.equal(await guardOf(allow, ['127.0.0.3']).refusesNow(new URL('http://localhost/')), 'loopback');
});

test('a setting that is neither a range, nor an address, nor a host is refused with the part that is wrong', () => {
  for (const text of [
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '300.1.1.1',
    '10.0.0',
    'fd00::/129',
    'b:80',
    'http://x',
    '*',
    'a*.b',
    '0x7f.1',
    '::1/x',
  ]) {
    assert.throws(() => parseAllowlist(['127.0.0.1', text]), { code: 'invalid_webhooks_allow' }, text);
  }
  assert.deepEqual(parseAllowlist([]), { ranges: [], hosts: [] });
});

test('a name that does not resolve now is not refused where a webhook is made', async () => {
  const guard = createGuard({
    allow: nothingAllowed,
    clock,
    ownAddresses: () => own,
    resolve: () => Promise.reject(new Error('no such name')),
  });
  assert.equal(await guard.refusesNow(new URL('https://later.example.com/')), null);
});

test("this machine's own addresses are refused as it really has them", () => {
  const guard = createGuard({ allow: nothingAllowed, clock });
  assert.notEqual(guard.refuses(new URL('http://127.0.0.1/')), null);
});
