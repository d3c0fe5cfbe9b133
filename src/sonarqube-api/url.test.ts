// URLs of webhooks as SonarQube takes, masks and refuses them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../clock.ts';
import { createGuard, nothingAllowed } from '../webhooks/delivery/guard.ts';
import { maskedUrl, reachableUrl, updatedUrl } from './url.ts';

const guard = createGuard({
  allow: nothingAllowed,
  clock: systemClock,
  resolve: async (name) => {
    if (name === 'inside.example') return [{ address: '10.1.2.3', family: 4 }];
    if (name === 'here.example') return [{ address: '127.0.0.1', family: 4 }];
    throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
  },
});
const loopback = 'Invalid URL: loopback and wildcard addresses are not allowed for webhooks.';
const address =
  'Invalid URL: loopback, wildcard, link-local, site-local, multicast, cloud metadata addresses and addresses of the SonarQube server itself are not allowed for webhooks.';

async function said(text: string): Promise<string> {
  return reachableUrl(guard, text).then(
    () => 'taken',
    (error: Error) => error.message,
  );
}

test('what is a URL there is one here; a name that does not resolve is taken', async () => {
  const taken = [
    'http://host.invalid',
    'http:host.invalid',
    'http:/host.invalid/',
    'http:///host.invalid',
    'HTTP://HOST.INVALID',
    'http://host_x.invalid/',
  ];
  const more = [
    'http://hôte.invalid/',
    'https://h.invalid:8443/a b',
    'http://h.invalid/%zz',
    'http://h.invalid#x',
    'http://:@h.invalid/',
    'http://u:p@h.invalid',
  ];
  for (const text of [...taken, ...more]) assert.equal(await said(text), 'taken', text);
  const invalid = [
    'nope',
    'http://',
    'ftp://h/',
    '//h/p',
    'http://:80/',
    'http://ex ample/',
    'http://h:99999/',
    'http://h:0/',
    'http://u:p@/',
  ];
  for (const text of [...invalid, 'http://a..b/', 'http://.x/', 'mailto:a@b', 'http://[fe80::1%25eth0]/', 'http://localhost%00/'])
    assert.equal(await said(text), `Url parameter with value '${text}' is not a valid url`, text);
});

test('loopback and wildcard are refused in the words of old, every other address that is not public in the newer ones', async () => {
  const own = [
    'http://localhost/',
    'http://LOCALHOST:9000',
    'http://localhost./',
    'http://127.1/',
    'http://0/',
    'http://[::1]/',
    'http://[::ffff:7f00:1]/',
  ];
  for (const text of [
    ...own,
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http:\\\\127.0.0.1\\',
    'http://①②⑦.⓪.⓪.①/',
    'http://here.example/',
  ])
    assert.equal(await said(text), loopback, text);
  const others = [
    'http://10.0.0.1/',
    'http://192.168.1.1/',
    'http://169.254.169.254/',
    'http://[fe80::1]/',
    'http://[fd00::1]/',
    'http://224.0.0.1/',
  ];
  for (const text of [...others, 'http://100.64.0.1/', 'http://[::ffff:10.0.0.1]/', 'http://inside.example/'])
    assert.equal(await said(text), address, text);
});

test('each character of user and password is an asterisk, and all else stays as it was written', () => {
  const masked: Readonly<Record<string, string>> = {
    'http://user:pw%40x@h/a@b': 'http://****:******@h/a@b',
    'http://user@h/': 'http://****@h/',
    'http://:pw@h/': 'http://:**@h/',
    'http://a:b:c@h': 'http://*:***@h',
    'http:u:p@h/': 'http:*:*@h/',
    'http://h/?mail=a@b': 'http://h/?mail=a@b',
    'http://a@b@h/': 'http://***@h/',
  };
  for (const [text, shown] of Object.entries(masked)) assert.equal(maskedUrl(text), shown);
});

test('a masked URL that is sent back keeps the credentials, for the same server alone', () => {
  const now = 'https://user:pw@h.example/hook';
  assert.equal(updatedUrl(now, now), undefined);
  assert.equal(updatedUrl(now, 'https://****:**@h.example/hook'), undefined);
  assert.equal(updatedUrl(now, 'https://****:**@h.example/other?x=1'), 'https://user:pw@h.example/other?x=1');
  for (const given of [
    'https://****:**@evil.example/hook',
    'http://****:**@h.example/hook',
    'https://***:**@h.example/hook',
    'https://h.example/hook',
  ])
    assert.equal(updatedUrl(now, given), given);
  assert.equal(updatedUrl('https://h.example/', 'https://****:**@h.example/'), 'https://****:**@h.example/');
});
