// Hosts that SonarQube's webhooks were tried with (its contract, 2.1), as a person would write them into a URL: what a real server refuses is
// refused here, and so is what it lets through although it is no receiver on the public internet. `8.8.4.4` stands for this machine's own address.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalKind } from './address.ts';
import { createGuard, nothingAllowed } from './guard.ts';

const guard = createGuard({ allow: nothingAllowed, clock: { now: () => 0 }, ownAddresses: () => ['8.8.4.4'] });

/** Refused by real servers, with the words about loopback and wildcard addresses. */
const refusedThere = `
  localhost LOCALHOST LocalHost 127.0.0.1 127.1 127.255.255.254 0.0.0.0 0 [::1] [::] [0:0:0:0:0:0:0:1]
  [::ffff:127.0.0.1] [::ffff:7f00:1] 2130706433 8.8.4.4 [::ffff:8.8.4.4] ①②⑦.⓪.⓪.① 127。0。0。1
  %6c%6f%63%61%6c%68%6f%73%74
`
  .trim()
  .split(/\s+/);

/** Read as this machine here, where Java reads something else or nothing: the same words. */
const thisMachineHere = ['0x7f000001', '0x7f.1', '0177.0.0.1', '017700000001', 'localhost.', '127.0.0.1.', 'a.localhost'];

/** Let through by real servers up to 26.9. */
const refusedHere = `
  10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 [fe80::1] [fec0::1] [fd00::1] [fd00:ec2::254] 100.64.0.1
  100.100.100.200 224.0.0.1 255.255.255.255 [ff02::1] [::ffff:10.0.0.1] [::127.0.0.1] [64:ff9b::7f00:1]
  [2002:7f00:1::] 3232235777 0xa9fea9fe [::ffff:169.254.169.254] [FE80::1] [fc00::1] [64:ff9b:1::a00:1]
`
  .trim()
  .split(/\s+/);

const kindOf = (host: string, rest = '') => {
  const reason = guard.refuses(new URL(`http://${host}${rest}`));
  return reason === null ? null : refusalKind(reason);
};

test('what a real server refuses is refused, and told as loopback or wildcard', () => {
  for (const host of [...refusedThere, ...thisMachineHere]) assert.equal(kindOf(host), 'loopback_or_wildcard', host);
  for (const rest of [':8080/', '/path?a=b', ':443']) assert.equal(kindOf('user:password@127.0.0.1', rest), 'loopback_or_wildcard', rest);
  assert.equal(guard.refuses(new URL('https://127.0.0.1/')), 'loopback');
  assert.equal(guard.refuses(new URL(String.raw`http:\\127.0.0.1\ `)), 'loopback');
});

test('what a real server lets through is refused, and told apart', () => {
  for (const host of refusedHere) assert.equal(kindOf(host), 'other', host);
});

test('a receiver on the public internet is not refused, and no odd form is a URL', () => {
  for (const host of ['9.9.9.9', '[2620:fe::fe]', 'receiver.example', 'localhost.example.org', '134744072'])
    assert.equal(kindOf(host), null);
  for (const host of ['[fe80::1%25eth0]', 'localhost%00', '1.2.3.4.5', '256.0.0.1']) assert.equal(URL.parse(`http://${host}/`), null, host);
});
