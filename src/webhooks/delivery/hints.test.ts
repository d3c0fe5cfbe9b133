// Two nodes on one PostgreSQL: what one leaves lying, the other hears of at once, long before it would look by itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import { lastFirst, until } from '../../../test/webhooks/engine.ts';
import { createHints, webhooksOfHintMax } from './hints.ts';

const failed = (error: unknown) => assert.fail(String(error));

eachDatabase((open, engine) => {
  test(`what waits is told to other nodes, in one hint for all, and never to oneself (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const heard: (readonly string[] | null)[] = [];
    const own: unknown[] = [];
    const other = createHints({ database: { ...database, node: 'other' }, hear: (webhooks) => heard.push(webhooks), failed });
    const one = createHints({ database, hear: (webhooks) => own.push(webhooks), failed });
    t.after(() => Promise.all([one.stop(), other.stop()]).then(() => undefined));
    if (engine === 'sqlite') {
      one.tell(['a']);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.deepEqual(heard, []);
      return;
    }
    // Whoever listens needs a moment to begin.
    await until(async () => {
      one.tell(['a', 'b']);
      one.tell(['b']);
      await new Promise((resolve) => setTimeout(resolve, 50));
      return heard.length > 0;
    });
    assert.deepEqual(heard[0], ['a', 'b']);
    heard.length = 0;
    one.tell(Array.from({ length: webhooksOfHintMax + 1 }, (_, index) => `w${index}`));
    await until(() => heard.length > 0);
    assert.deepEqual(heard, [null]);
    assert.deepEqual(own, []);
  });
});
