import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCommit } from './commit.ts';
import { messageBytesMax, nameBytesMax } from './limits.ts';

// Bytes in, facts out: each test writes the object it wants, odd ones too.

const id = 'c'.repeat(40);
const tree = 'a'.repeat(40);

function read(options: {
  readonly author?: string;
  readonly headers?: string;
  readonly message?: Buffer | string;
  readonly encoding?: BufferEncoding;
}) {
  const { author = 'Ada <ada@example.com> 1720000000 +0200', headers = '', message = 'A change\n', encoding = 'utf8' } = options;
  const head = Buffer.from(`tree ${tree}\nauthor ${author}\ncommitter Bob <bob@example.com> 1720003600 -0530\n${headers}\n`, encoding);
  return readCommit(id, Buffer.concat([head, Buffer.from(message)]));
}

test('author and committer each have their own name, mail, date and zone', () => {
  const commit = read({});
  assert.deepEqual(commit.author, { name: 'Ada', email: 'ada@example.com', date: '2024-07-03T11:46:40+02:00' });
  assert.deepEqual(commit.committer, { name: 'Bob', email: 'bob@example.com', date: '2024-07-03T05:16:40-05:30' });
  assert.deepEqual([commit.tree, commit.parents, commit.message], [tree, [], 'A change\n']);
});

test('a date is shown in the zone it was written in; one that is none is the first second of 1970', () => {
  const dates: Readonly<Record<string, string>> = {
    '1720000000 +0000': '2024-07-03T09:46:40Z',
    '1720000000 -0000': '2024-07-03T09:46:40Z',
    '1720000000 +1400': '2024-07-03T23:46:40+14:00',
    '1720000000 +0545': '2024-07-03T15:31:40+05:45',
    '1720000000 +9999': '2024-07-03T09:46:40Z',
    '1720000000 +0099': '2024-07-03T09:46:40Z',
    '1720000000': '2024-07-03T09:46:40Z',
    '0 -0800': '1969-12-31T16:00:00-08:00',
    '253402214399 +0000': '9999-12-30T23:59:59Z',
    '99999999999999 +0000': '1970-01-01T00:00:00Z',
    '99999999999999999999 +0000': '1970-01-01T00:00:00Z',
    '-5 +0000': '1970-01-01T00:00:00Z',
    yesterday: '1970-01-01T00:00:00Z',
    '': '1970-01-01T00:00:00Z',
  };
  for (const [text, date] of Object.entries(dates)) assert.equal(read({ author: `Ada <ada@example.com> ${text}` }).author.date, date, text);
});

test('people without a name, without a mail, or with too many brackets are shown as far as they can be', () => {
  const people: Readonly<Record<string, readonly [string, string]>> = {
    '<ada@example.com> 1 +0000': ['', 'ada@example.com'],
    'Ada <> 1 +0000': ['Ada', ''],
    Ada: ['Ada', ''],
    'Ada <ada': ['Ada', ''],
    'Ada <a <b> c> 1 +0000': ['Ada', 'a <b'],
    'Ada <ada@example.com>> 1 +0000': ['Ada', 'ada@example.com'],
  };
  for (const [author, [name, email]] of Object.entries(people)) {
    const read_ = read({ author }).author;
    assert.deepEqual([read_.name, read_.email], [name, email], author);
  }
});

test('text is read in the encoding that the commit names', () => {
  const latin = read({
    author: 'Jos\xe9 <jose@example.com> 1 +0000',
    headers: 'encoding ISO-8859-1\n',
    message: Buffer.from('caf\xe9\n', 'latin1'),
    encoding: 'latin1',
  });
  assert.deepEqual([latin.author.name, latin.message], ['José', 'café\n']);
  const japanese = read({ headers: 'encoding Shift_JIS\n', message: Buffer.from([0x93, 0xfa, 0x96, 0x7b, 0x0a]) });
  assert.equal(japanese.message, '日本\n');
});

test('text that is not what it should be has U+FFFD in its place, and an encoding nobody knows is UTF-8', () => {
  assert.equal(read({ message: Buffer.from('caf\xe9\n', 'latin1') }).message, 'caf\ufffd\n');
  assert.equal(read({ message: 'café\n', headers: 'encoding klingon\n' }).message, 'café\n');
  assert.equal(read({ message: 'café\n', headers: `encoding ${'x'.repeat(500)}\n` }).message, 'café\n');
});

test('a message is whole, with its line ends; it ends at a NUL, as git shows it', () => {
  for (const message of ['', 'no line end', 'two\n\n', '\n\nthree', 'a\r\nb\r\n', '\ufeffmark\n'])
    assert.equal(read({ message }).message, message);
  assert.equal(read({ message: 'seen\0unseen' }).message, 'seen');
});

test('a message of the largest size is whole, one byte more is cut between characters', () => {
  const whole = 'x'.repeat(messageBytesMax);
  assert.equal(read({ message: whole }).message, whole);
  assert.equal(read({ message: `${whole}y` }).message, `${whole}…\n`);
  const wide = `${'x'.repeat(messageBytesMax - 1)}é and more`;
  assert.equal(read({ message: wide }).message, `${'x'.repeat(messageBytesMax - 1)}…\n`);
  assert.equal(read({ author: `${'n'.repeat(nameBytesMax + 9)} <a@b> 1 +0000` }).author.name, `${'n'.repeat(nameBytesMax)}…`);
});

test('signatures and merged tags in the head are passed over, and what they hold is not taken for more headers', () => {
  const parent = 'b'.repeat(40);
  const headers = `gpgsig -----BEGIN\n parent ${parent}\n \n encoding Shift_JIS\n -----END\nmergetag object ${parent}\n type commit\n tagger x <y> 1 +0000\n`;
  const commit = read({ headers, message: 'é\n' });
  assert.deepEqual([commit.parents, commit.message], [[], 'é\n']);
});

test('an object without any of its lines is shown empty', () => {
  const nobody = { name: '', email: '', date: '1970-01-01T00:00:00Z' };
  const empty = { id, tree: '', parents: [], author: nobody, committer: nobody, message: '' };
  assert.deepEqual(readCommit(id, Buffer.from('')), empty);
  assert.deepEqual(readCommit(id, Buffer.from('no blank line')), empty);
  assert.deepEqual(readCommit(id, Buffer.from('tree xyz\nparent nothing\n\n')), empty);
});
