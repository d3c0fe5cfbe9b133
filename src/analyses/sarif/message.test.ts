// What a finding says: the tool's own words, looked up and filled in as the standard has it, bounded.
import assert from 'node:assert/strict';
import test from 'node:test';
import { oneResult, readOne } from '../../../test/sarif/log.ts';
import { messageCharactersMax } from '../finding.ts';

const driver = {
  rules: [
    {
      id: 'r',
      messageStrings: { default: { text: 'In {0}: {1}' }, marked: { markdown: '*{0}*' }, plain: { text: 'braces {{0}} and {0}' } },
      shortDescription: { text: 'What r is about' },
    },
  ],
  globalMessageStrings: { shared: { text: 'Shared by {0}' }, default: { text: 'not this one' } },
};

async function said(message: unknown, more: object = driver): Promise<string> {
  return (await readOne(oneResult({ ruleId: 'r', message }, more))).message;
}

test('text goes before markdown, markdown before nothing', async () => {
  assert.equal(await said({ text: 'T', markdown: 'M' }), 'T');
  assert.equal(await said({ markdown: 'M' }), 'M');
  assert.equal(await said({ text: '', markdown: 'M' }), 'M');
  assert.equal(await said('A plain string.'), 'A plain string.');
});

test('a message named by its id is looked up in the rule, then in the component, and filled in', async () => {
  assert.equal(await said({ id: 'default', arguments: ['f', 'g'] }), 'In f: g');
  assert.equal(await said({ id: 'marked', arguments: ['f'] }), '*f*');
  assert.equal(await said({ id: 'shared', arguments: ['f'] }), 'Shared by f');
  assert.equal(await said({ id: 'plain', arguments: ['f'] }), 'braces {0} and f');
});

test('a message of an extension is looked up there', async () => {
  const extensions = [
    {
      name: 'Pack',
      rules: [{ id: 'x', messageStrings: { default: { text: 'From the pack: {0}' } } }],
      globalMessageStrings: { g: { text: 'Global of the pack' } },
    },
  ];
  const log = (id: string) => {
    const made = oneResult({ rule: { index: 0, toolComponent: { index: 0 } }, message: { id, arguments: ['a'] } }, driver);
    ((made.runs as { tool: { extensions?: unknown } }[])[0] ?? { tool: {} }).tool.extensions = extensions;
    return made;
  };
  assert.equal((await readOne(log('default'))).message, 'From the pack: a');
  assert.equal((await readOne(log('g'))).message, 'Global of the pack');
});

test('a placeholder without its argument stays, and so does a text that came without arguments', async () => {
  assert.equal(await said({ id: 'default', arguments: ['f'] }), 'In f: {1}');
  assert.equal(await said({ id: 'default', arguments: [7, null] }), 'In {0}: {1}');
  assert.equal(await said({ text: 'use {0} or {{x}}' }), 'use {0} or {{x}}');
  assert.equal(await said({ text: 'use {0} or {{x}}', arguments: ['a'] }), 'use a or {x}');
});

test('arguments are not filled in twice', async () => {
  assert.equal(await said({ id: 'default', arguments: ['{1}', '{0}'] }), 'In {1}: {0}');
});

test('without a message the rule says what it is about', async () => {
  for (const message of [undefined, null, {}, 7, { text: 7 }, { id: 'unknown' }, { id: 'constructor' }, { id: '__proto__' }]) {
    assert.equal(await said(message), 'What r is about');
  }
  assert.equal(await said({ id: 'x' }, {}), 'r');
});

test('a message is kept up to its limit, and it is told where it was cut', async () => {
  const whole = await readOne(oneResult({ message: { text: 'm'.repeat(messageCharactersMax) } }));
  assert.equal(whole.message.length, messageCharactersMax);
  assert.equal(whole.messageCut, undefined);
  const cut = await readOne(oneResult({ message: { text: 'm'.repeat(messageCharactersMax + 1) } }));
  assert.equal(cut.message.length, messageCharactersMax);
  assert.equal(cut.messageCut, true);
});

test('a message of 10 MB comes through, cut', async () => {
  const finding = await readOne(oneResult({ message: { text: '\u{1f512} '.repeat(3_500_000) } }));
  assert.equal(finding.messageCut, true);
  assert.ok(finding.message.isWellFormed());
});

test('thousands of placeholders with long arguments do not make gigabytes', async () => {
  const text = '{0}'.repeat(300_000);
  const finding = await readOne(oneResult({ message: { text, arguments: ['a'.repeat(1_000_000)] } }));
  assert.equal(finding.message, 'a'.repeat(messageCharactersMax));
  assert.equal(finding.messageCut, true);
});

test('what no file or database takes is replaced: halves of surrogate pairs and U+0000', async () => {
  assert.equal(await said({ text: 'a\ud800b\u0000c\udc00' }), 'a\ufffdb\ufffdc\ufffd');
  assert.equal(await said({ text: 'bell \u0007 stays, \u202e too' }), 'bell \u0007 stays, \u202e too');
});
