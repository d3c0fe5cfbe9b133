// Every form that an address can be written in is put into a URL, as a person would, and judged where a webhook is made (`refuses`,
// `refusesNow`) and where something is sent (`lookup`, as net.connect calls it). The table says why each is refused; null: it may be reached.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Guard } from './guard.ts';
import { AddressRefused, createGuard, nothingAllowed, parseAllowlist } from './guard.ts';

const clock = { now: () => 0 };
const own = ['8.8.4.4', '2606:4700:4700::1001'];

const forms: readonly (readonly [host: string, reason: string | null])[] = [
  // IPv4, as it is usually written
  ['0.0.0.0', 'unspecified'],
  ['0.0.0.1', 'this_network'],
  ['0.255.255.255', 'this_network'],
  ['9.255.255.255', null],
  ['10.0.0.0', 'private'],
  ['10.0.0.1', 'private'],
  ['10.255.255.255', 'private'],
  ['11.0.0.0', null],
  ['100.63.255.255', null],
  ['100.64.0.0', 'carrier_nat'],
  ['100.100.100.200', 'cloud_metadata'],
  ['100.127.255.255', 'carrier_nat'],
  ['100.128.0.0', null],
  ['126.255.255.255', null],
  ['127.0.0.0', 'loopback'],
  ['127.0.0.1', 'loopback'],
  ['127.0.1.1', 'loopback'],
  ['127.1.2.3', 'loopback'],
  ['127.255.255.255', 'loopback'],
  ['128.0.0.0', null],
  ['168.63.129.15', null],
  ['168.63.129.16', 'cloud_metadata'],
  ['169.253.255.255', null],
  ['169.254.0.0', 'link_local'],
  ['169.254.1.1', 'link_local'],
  ['169.254.169.253', 'link_local'],
  ['169.254.169.254', 'cloud_metadata'],
  ['169.254.170.2', 'cloud_metadata'],
  ['169.254.255.255', 'link_local'],
  ['169.255.0.0', null],
  ['172.15.255.255', null],
  ['172.16.0.0', 'private'],
  ['172.17.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.0', null],
  ['191.255.255.255', null],
  ['192.0.0.0', 'protocol_assignments'],
  ['192.0.0.8', 'protocol_assignments'],
  ['192.0.0.170', 'protocol_assignments'],
  ['192.0.0.192', 'cloud_metadata'],
  ['192.0.0.255', 'protocol_assignments'],
  ['192.0.1.0', null],
  ['192.0.2.0', 'documentation'],
  ['192.0.2.1', 'documentation'],
  ['192.0.2.255', 'documentation'],
  ['192.0.3.0', null],
  ['192.88.98.255', null],
  ['192.88.99.0', 'relay'],
  ['192.88.99.1', 'relay'],
  ['192.88.99.255', 'relay'],
  ['192.88.100.0', null],
  ['192.167.255.255', null],
  ['192.168.0.0', 'private'],
  ['192.168.0.1', 'private'],
  ['192.168.1.1', 'private'],
  ['192.168.255.255', 'private'],
  ['192.169.0.0', null],
  ['198.17.255.255', null],
  ['198.18.0.0', 'benchmarking'],
  ['198.18.0.1', 'benchmarking'],
  ['198.19.255.255', 'benchmarking'],
  ['198.20.0.0', null],
  ['198.51.99.255', null],
  ['198.51.100.0', 'documentation'],
  ['198.51.100.7', 'documentation'],
  ['198.51.100.255', 'documentation'],
  ['198.51.101.0', null],
  ['203.0.112.255', null],
  ['203.0.113.0', 'documentation'],
  ['203.0.113.9', 'documentation'],
  ['203.0.113.255', 'documentation'],
  ['203.0.114.0', null],
  ['223.255.255.255', null],
  ['224.0.0.0', 'multicast'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['240.0.0.0', 'reserved'],
  ['240.0.0.1', 'reserved'],
  ['250.1.2.3', 'reserved'],
  ['255.255.255.254', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['8.8.8.8', null],
  ['1.1.1.1', null],
  ['93.184.216.34', null],
  ['8.8.4.4', 'own_interface'],
  // decimal, octal, hexadecimal, short, mixed: as the WHATWG URL parser reads them
  ['0', 'unspecified'],
  ['0x0', 'unspecified'],
  ['00', 'unspecified'],
  ['0.0', 'unspecified'],
  ['0x', 'unspecified'],
  ['1', 'this_network'],
  ['2130706433', 'loopback'],
  ['2130706434', 'loopback'],
  ['017700000001', 'loopback'],
  ['0x7f000001', 'loopback'],
  ['0x7F000001', 'loopback'],
  ['0X7f000001', 'loopback'],
  ['127.1', 'loopback'],
  ['127.0.1', 'loopback'],
  ['127.65535', 'loopback'],
  ['127.16777215', 'loopback'],
  ['0177.0.0.1', 'loopback'],
  ['0177.1', 'loopback'],
  ['0177.0.1', 'loopback'],
  ['00177.00.00.01', 'loopback'],
  ['0x7f.1', 'loopback'],
  ['0x7f.0.0.1', 'loopback'],
  ['0x7f.0x0.0x0.0x1', 'loopback'],
  ['0177.0x0.0.1', 'loopback'],
  ['127.0.0.0x1', 'loopback'],
  ['127.0.0.01', 'loopback'],
  ['127.0x1', 'loopback'],
  ['127.0.0.1.', 'loopback'],
  ['2130706433.', 'loopback'],
  ['0x7f.1.', 'loopback'],
  ['%31%32%37.0.0.1', 'loopback'],
  ['127%2e0%2e0%2e1', 'loopback'],
  ['127。0。0。1', 'loopback'],
  ['\uff11\uff12\uff17.0.0.1', 'loopback'],
  ['①②⑦.⓪.⓪.①', 'loopback'],
  ['2852039166', 'cloud_metadata'],
  ['0xa9fea9fe', 'cloud_metadata'],
  ['0xA9.0xFE.0xA9.0xFE', 'cloud_metadata'],
  ['0251.0376.0251.0376', 'cloud_metadata'],
  ['025177524776', 'cloud_metadata'],
  ['169.254.43518', 'cloud_metadata'],
  ['169.16689662', 'cloud_metadata'],
  ['169.254.0251.0376', 'cloud_metadata'],
  ['1684301000', 'cloud_metadata'],
  ['167772161', 'private'],
  ['0xa000001', 'private'],
  ['012.0.0.1', 'private'],
  ['10.1', 'private'],
  ['0xa.1', 'private'],
  ['3232235521', 'private'],
  ['0xc0a80001', 'private'],
  ['0300.0250.0.1', 'private'],
  ['192.168.1', 'private'],
  ['192.11010305', 'private'],
  ['2886729729', 'private'],
  ['0xac100001', 'private'],
  ['0254.020.0.1', 'private'],
  ['1681915905', 'carrier_nat'],
  ['3221225985', 'documentation'],
  ['3323068417', 'benchmarking'],
  ['3758096385', 'multicast'],
  ['4026531841', 'reserved'],
  ['4294967295', 'broadcast'],
  ['0xffffffff', 'broadcast'],
  ['134744072', null],
  ['0x08080808', null],
  ['010.8.8.8', null],
  ['134743044', 'own_interface'],
  // IPv6
  ['[::]', 'unspecified'],
  ['[0:0:0:0:0:0:0:0]', 'unspecified'],
  ['[::1]', 'loopback'],
  ['[0:0:0:0:0:0:0:1]', 'loopback'],
  ['[0000:0000:0000:0000:0000:0000:0000:0001]', 'loopback'],
  ['[::0.0.0.1]', 'loopback'],
  ['[::2]', 'ipv4_compatible'],
  ['[::127.0.0.1]', 'ipv4_compatible'],
  ['[::8.8.8.8]', 'ipv4_compatible'],
  ['[::ffff:127.0.0.1]', 'ipv4_mapped:loopback'],
  ['[::FFFF:7f00:1]', 'ipv4_mapped:loopback'],
  ['[0:0:0:0:0:ffff:7f00:0001]', 'ipv4_mapped:loopback'],
  ['[::ffff:0.0.0.0]', 'ipv4_mapped:unspecified'],
  ['[::ffff:10.1.2.3]', 'ipv4_mapped:private'],
  ['[::ffff:172.16.0.1]', 'ipv4_mapped:private'],
  ['[::ffff:192.168.0.1]', 'ipv4_mapped:private'],
  ['[::ffff:169.254.169.254]', 'ipv4_mapped:cloud_metadata'],
  ['[::ffff:a9fe:a9fe]', 'ipv4_mapped:cloud_metadata'],
  ['[::ffff:100.64.0.1]', 'ipv4_mapped:carrier_nat'],
  ['[::ffff:198.18.0.1]', 'ipv4_mapped:benchmarking'],
  ['[::ffff:192.0.2.1]', 'ipv4_mapped:documentation'],
  ['[::ffff:224.0.0.1]', 'ipv4_mapped:multicast'],
  ['[::ffff:255.255.255.255]', 'ipv4_mapped:broadcast'],
  ['[::ffff:8.8.4.4]', 'ipv4_mapped:own_interface'],
  ['[::ffff:8.8.8.8]', null],
  ['[::ffff:808:808]', null],
  ['[::ffff:0:127.0.0.1]', 'translated'],
  ['[::ffff:0:8.8.8.8]', 'translated'],
  ['[64:ff9b::127.0.0.1]', 'nat64:loopback'],
  ['[64:ff9b::7f00:1]', 'nat64:loopback'],
  ['[64:ff9b::10.0.0.1]', 'nat64:private'],
  ['[64:ff9b::a9fe:a9fe]', 'nat64:cloud_metadata'],
  ['[64:ff9b::]', 'nat64:unspecified'],
  ['[64:ff9b::192.168.1.1]', 'nat64:private'],
  ['[64:ff9b::203.0.113.1]', 'nat64:documentation'],
  ['[64:ff9b::8.8.4.4]', 'nat64:own_interface'],
  ['[64:ff9b::8.8.8.8]', null],
  ['[64:ff9b:1::]', 'local_nat64'],
  ['[64:ff9b:1::8.8.8.8]', 'local_nat64'],
  ['[64:ff9b:1:ffff:ffff:ffff:ffff:ffff]', 'local_nat64'],
  ['[64:ff9b:2::1]', 'not_global'],
  ['[100::]', 'discard'],
  ['[100::1]', 'discard'],
  ['[100:0:0:1::1]', 'not_global'],
  ['[1::1]', 'not_global'],
  ['[1fff:ffff::1]', 'not_global'],
  ['[2002:7f00:1::]', '6to4:loopback'],
  ['[2002:7f00:0001::1]', '6to4:loopback'],
  ['[2002:a00:1::1]', '6to4:private'],
  ['[2002:c0a8:101::1]', '6to4:private'],
  ['[2002:a9fe:a9fe::1]', '6to4:cloud_metadata'],
  ['[2002::1]', '6to4:unspecified'],
  ['[2002:e000:1::]', '6to4:multicast'],
  ['[2002:ffff:ffff::1]', '6to4:broadcast'],
  ['[2002:808:808::1]', null],
  ['[2001::1]', 'teredo:unspecified'],
  ['[2001:0:7f00:1::1]', 'teredo:loopback'],
  ['[2001:0:808:808:0:0:80ff:fffe]', 'teredo:loopback'],
  ['[2001:0:808:808:0:0:f5ff:fffe]', 'teredo:private'],
  ['[2001:0:808:808:0:0:5601:5601]', 'teredo:cloud_metadata'],
  ['[2001:0:4136:e378:8000:63bf:3fff:fdd2]', 'teredo:documentation'],
  ['[2001:0:808:808::]', 'teredo:broadcast'],
  ['[2001:1::1]', 'protocol_assignments'],
  ['[2001:2::1]', 'benchmarking'],
  ['[2001:2:0:1::1]', 'benchmarking'],
  ['[2001:3::1]', 'protocol_assignments'],
  ['[2001:10::1]', 'protocol_assignments'],
  ['[2001:20::1]', 'protocol_assignments'],
  ['[2001:1ff:ffff::1]', 'protocol_assignments'],
  ['[2001:200::1]', null],
  ['[2001:db7:ffff::1]', null],
  ['[2001:db8::]', 'documentation'],
  ['[2001:db8::1]', 'documentation'],
  ['[2001:DB8:ffff:ffff::1]', 'documentation'],
  ['[2001:db9::1]', null],
  ['[2606:4700:4700::1111]', null],
  ['[2606:4700:4700::1001]', 'own_interface'],
  ['[2a00:1450:4001:81b::200e]', null],
  ['[2a00:1450::5efe:127.0.0.1]', 'isatap:loopback'],
  ['[2a00:1450::200:5efe:10.0.0.1]', 'isatap:private'],
  ['[2a00:1450::5efe:8.8.8.8]', null],
  ['[3ffe:ffff::1]', null],
  ['[3fff::1]', 'documentation'],
  ['[3fff:fff:ffff::1]', 'documentation'],
  ['[3fff:1000::1]', null],
  ['[4000::1]', 'not_global'],
  ['[5f00::1]', 'segment_routing'],
  ['[5f00:ffff::1]', 'segment_routing'],
  ['[5f01::1]', 'not_global'],
  ['[8000::1]', 'not_global'],
  ['[fbff::1]', 'not_global'],
  ['[fc00::]', 'private'],
  ['[fc00::1]', 'private'],
  ['[fd00::1]', 'private'],
  ['[fd00:ec2::254]', 'cloud_metadata'],
  ['[fd20:ce::254]', 'cloud_metadata'],
  ['[fdff:ffff::1]', 'private'],
  ['[fe00::1]', 'not_global'],
  ['[fe80::]', 'link_local'],
  ['[fe80::1]', 'link_local'],
  ['[febf::1]', 'link_local'],
  ['[fec0::1]', 'site_local'],
  ['[feff::1]', 'site_local'],
  ['[ff00::]', 'multicast'],
  ['[ff02::1]', 'multicast'],
  ['[ff0e::1]', 'multicast'],
  ['[ffff::1]', 'multicast'],
  // names of this machine
  ['localhost', 'loopback'],
  ['LOCALHOST', 'loopback'],
  ['localhost.', 'loopback'],
  ['a.localhost', 'loopback'],
  ['deep.a.localhost.', 'loopback'],
  ['%6cocalhost', 'loopback'],
  ['\uff4cocalhost', 'loopback'],
];

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
  const allow = parseAllowlist('10.1.0.0/16, 127.0.0.1 fd00::/8,[::1] receiver.internal *.lab.example.org,bücher.example');
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
    'a b:80',
    'http://x',
    '*',
    'a*.b',
    '0x7f.1',
    '::1/x',
  ]) {
    assert.throws(() => parseAllowlist(text), { code: 'invalid_webhooks_allow' }, text);
  }
  assert.deepEqual(parseAllowlist(' , '), { ranges: [], hosts: [] });
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
