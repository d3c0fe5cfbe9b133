// The teller writes to a list instead of a terminal, and its clock is turned by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTeller, seconds, wrap } from './teller.ts';

function setUp(options: { readonly isTTY: boolean; readonly columns?: number }) {
  const written: string[] = [];
  const output = { ...options, write: (text: string) => written.push(text) };
  let time = 0;
  const teller = createTeller({ output, colour: false, now: () => time });
  return { teller, text: () => written.join(''), wait: (ms: number) => (time += ms) };
}

test('a step is one line, with what it came to and what it took', async () => {
  const { teller, text, wait } = setUp({ isTTY: false });
  await teller.step('Server', async () => {
    wait(1234);
    return { line: 'is up', more: ['a detail'], facts: { port: 1 } };
  });
  assert.equal(text(), `  ✓ Server             1.2 s  is up\n${' '.repeat(30)}a detail\n`);
  assert.deepEqual(teller.steps, [{ name: 'Server', durationMs: 1234, port: 1 }]);
});

test('a step that fails says why and stops what follows', async () => {
  const { teller, text } = setUp({ isTTY: false });
  const fails = teller.step('Server', () => Promise.reject(new Error('the port is taken')));
  await assert.rejects(fails, /the port is taken/);
  assert.match(text(), /✗ Server .* the port is taken/);
  assert.deepEqual(teller.steps, []);
});

test('on a terminal the step under way is shown, and long lines keep their column', async () => {
  const { teller, text } = setUp({ isTTY: true, columns: 60 });
  await teller.step('Server', async () => ({ line: 'one two three four five six seven' }));
  assert.equal(text(), `  · Server\r\u001B[2K  ✓ Server              0 ms  one two three four five six\n${' '.repeat(30)}seven\n`);
});

test('without an output nothing is written, and the facts are kept', async () => {
  const teller = createTeller({ output: null, colour: false, now: () => 0 });
  teller.heading('Gatepost');
  await teller.step('Server', async () => ({ line: 'is up' }));
  assert.deepEqual(teller.steps, [{ name: 'Server', durationMs: 0 }]);
});

test('times and broken lines read well at their edges', () => {
  assert.deepEqual([0, 99.4, 100, 61_000].map(seconds), ['0 ms', '99 ms', '0.1 s', '61.0 s']);
  assert.deepEqual(wrap('aaaa bb', 3), ['aaaa', 'bb']);
});
