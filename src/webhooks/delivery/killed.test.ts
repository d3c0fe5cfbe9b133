// A process of its own delivers and is killed by SIGKILL after the receiver has the request and before it has answered: nobody can know whether
// it was done. The next process must send it again under the same id, and settle it once.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { engines, newLocation } from '../../../test/databases.ts';
import { createEngine, lastFirst, startReceiver, until } from '../../../test/webhooks/engine.ts';
import { openDatabase } from '../../storage/database/open.ts';

const program = fileURLToPath(new URL('../../../test/webhooks/deliver.ts', import.meta.url));

for (const engine of engines) {
  test(`a process killed between sending and settling repeats under the same id (${engine})`, async (context) => {
    const t = lastFirst(context);
    const location = await newLocation({ after: (step) => t.after(step) }, engine);
    const receiver = await startReceiver(t, (response, _arrived, nth) => nth > 3 && response.writeHead(200).end());
    const before = await openDatabase(location, 'server');
    const first = await createEngine({ after: () => undefined }, { database: before });
    await first.addWebhook(receiver.url);
    for (let n = 0; n < 3; n += 1) await first.happen();
    // It has answered before, so that several go to it at once.
    await before.write((tx) => tx.updateTable('webhook_states').set({ last_success: 1 }).execute());
    await first.worker.stop();
    await before.close();

    const child = spawn(process.execPath, [program, location.directory, location.url ?? ''], { stdio: ['ignore', 'ignore', 'inherit'] });
    await receiver.count(3);
    child.kill('SIGKILL');
    await once(child, 'exit');

    const database = await openDatabase(location, 'server');
    t.after(() => database.close());
    const rows = () => database.read.selectFrom('deliveries').selectAll().execute();
    assert.deepEqual(new Set((await rows()).map((row) => row.state)), new Set(['leased']));
    assert.equal((await database.read.selectFrom('attempts').select('id').execute()).length, 0);
    // Where there are many nodes nobody knows that it is dead before its leases end.
    if (database.facts.manyNodes)
      await database.write((tx) =>
        tx
          .updateTable('deliveries')
          .set({ due: Date.now() - 1 })
          .execute(),
      );
    const second = await createEngine(t, { database });
    await second.worker.start();
    await until(async () => (await rows()).every((row) => row.state === 'delivered'));
    const ids = receiver.arrived.map((each) => each.headers['webhook-id']);
    assert.equal(ids.length, 6);
    assert.equal(new Set(ids).size, 3);
    assert.equal((await database.read.selectFrom('attempts').select('id').execute()).length, 3);
  });
}
