// The command line is called as a person and as a program would, in this process; what it prints and its exit code are looked at.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatepost, gatepostJson } from '../../test/cli/command-line.ts';
import { verbs } from './verbs.ts';

for (const { name } of verbs) {
  test(`gatepost ${name} --help says how it is called and ends with 0`, async () => {
    const { code, stdout, stderr } = await gatepost([...name.split(' '), '--help']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(stdout.startsWith(`gatepost ${name} `), stdout);
    assert.match(stdout, /--json/);
  });
}

test('serve --help lists every setting', async () => {
  const { stdout } = await gatepost(['serve', '--help']);
  for (const setting of ['GATEPOST_DATA', 'DATABASE_URL', 'GATEPOST_WEBHOOKS_ALLOW', 'GATEPOST_LOG'])
    assert.match(stdout, new RegExp(setting));
});

test('without a verb the verbs are listed; an unknown one ends with 2', async () => {
  const help = await gatepost([]);
  assert.deepEqual([help.code, help.stderr], [0, '']);
  for (const { name } of verbs) assert.ok(help.stdout.includes(name));
  const unknown = await gatepost(['upgrade']);
  assert.deepEqual([unknown.code, unknown.stdout], [2, '']);
  assert.match(unknown.stderr, /no verb "upgrade"/);
  assert.equal((await gatepost(['token'])).code, 2);
});

test('--version tells the version of the package', async () => {
  assert.match((await gatepost(['--version'])).stdout, /^\d+\.\d+\.\d+/);
});

test('a call that is written wrongly ends with 2 and says what is wrong', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['organization', 'create'], /--name is missing/],
    [['upload'], /FILE is missing/],
    [['verify', 'a.zip', 'b.zip'], /"b\.zip" is one word too many/],
    [['doctor', '--loud'], /--loud/],
    [['token', 'create', '--organization', 'x', '--scopes', 'everything'], /"everything" is no scope/],
    [['download'], /--version is missing/],
  ];
  for (const [typed, expected] of cases) {
    const { code, stdout, stderr } = await gatepost(typed);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, expected);
  }
});

test('with --json an error is one document too', async () => {
  const { code, json } = await gatepostJson(['organization', 'create']);
  assert.deepEqual([code, json], [2, { code: 'usage', message: '--name is missing.' }]);
  const bad = await gatepostJson(['doctor'], { GATEPOST_PROT: '1' });
  assert.deepEqual([bad.code, bad.json['code']], [1, 'configuration_invalid']);
});
