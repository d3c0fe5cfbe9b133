// A resolver whose answers the test gives by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from './lookups.ts';
import { addressesGoodMs, createLookups, lookupPatienceMs, namesRememberedMax } from './lookups.ts';

function byHand() {
  let time = 0;
  const asked: { readonly host: string; readonly answer: PromiseWithResolvers<readonly Address[]> }[] = [];
  const lookups = createLookups({
    now: () => time,
    resolve: async (host) => {
      const answer = Promise.withResolvers<readonly Address[]>();
      asked.push({ host, answer });
      return answer.promise;
    },
  });
  const pass = (ms: number) => {
    time += ms;
  };
  return { lookups, asked, pass, last: () => asked.at(-1)?.answer };
}

const one = [{ address: '9.9.9.9', family: 4 }];
const other = [{ address: '9.9.9.10', family: 4 }];
const failing = (code: string) => Object.assign(new Error(code), { code });

test('each call asks anew, and takes what is answered now', async () => {
  const { lookups, asked, last } = byHand();
  const first = lookups('a.example');
  last()?.resolve(one);
  assert.deepEqual(await first, one);
  const second = lookups('a.example');
  last()?.resolve(other);
  assert.deepEqual(await second, other);
  assert.equal(asked.length, 2);
});

test('a name whose server is silent is asked for once at a time, however many wait for it', async () => {
  const { lookups, asked, last } = byHand();
  const waiting = Array.from({ length: 50 }, () => lookups('silent.example'));
  assert.equal(asked.length, 1);
  last()?.reject(failing('EAI_AGAIN'));
  for (const each of await Promise.allSettled(waiting)) assert.equal(each.status, 'rejected');
  const again = lookups('silent.example');
  assert.equal(asked.length, 2);
  last()?.resolve(one);
  assert.deepEqual(await again, one);
});

test('where DNS is silent or fails for the moment, a name that was known keeps its addresses for a while', async () => {
  const { lookups, pass, last } = byHand();
  const first = lookups('a.example');
  last()?.resolve(one);
  await first;
  const before = performance.now();
  assert.deepEqual(await lookups('a.example'), one);
  assert.ok(performance.now() - before >= lookupPatienceMs - 5);
  // Still the same question; its answer is taken as soon as it comes.
  const late = lookups('a.example');
  last()?.resolve(other);
  assert.deepEqual(await late, other);
  const failed = lookups('a.example');
  last()?.reject(failing('EAI_AGAIN'));
  assert.deepEqual(await failed, other);
  pass(addressesGoodMs + 1);
  const old = lookups('a.example');
  last()?.reject(failing('EAI_AGAIN'));
  await assert.rejects(old, { code: 'EAI_AGAIN' });
});

test('a name that is gone is gone, though it was known', async () => {
  const { lookups, last } = byHand();
  const first = lookups('a.example');
  last()?.resolve(one);
  await first;
  const gone = lookups('a.example');
  last()?.reject(failing('ENOTFOUND'));
  await assert.rejects(gone, { code: 'ENOTFOUND' });
});

test('no more names are remembered than the limit says', async () => {
  const { lookups, last } = byHand();
  for (let index = 0; index <= namesRememberedMax; index += 1) {
    const asking = lookups(`n${index}.example`);
    last()?.resolve(one);
    await asking;
  }
  const forgotten = lookups('n0.example');
  last()?.reject(failing('EAI_AGAIN'));
  await assert.rejects(forgotten, { code: 'EAI_AGAIN' });
  const kept = lookups('n1.example');
  last()?.reject(failing('EAI_AGAIN'));
  assert.deepEqual(await kept, one);
});
