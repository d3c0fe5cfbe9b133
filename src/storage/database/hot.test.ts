// Units of work that come in one message: alone, within another unit, many at once, and those that fail.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import { insertSettings } from '../../../test/hot-units.ts';

eachDatabase((open, engine) => {
  test(`a hot unit is on disk when it answers (${engine})`, async (t) => {
    const database = await open(t);
    assert.deepEqual(
      await database.run(insertSettings, [
        { name: 'a', value: '1' },
        { name: 'b', value: '2' },
      ]),
      ['a', 'b'],
    );
    const rows = await database.read.selectFrom('settings').select('name').where('name', 'in', ['a', 'b']).execute();
    assert.equal(rows.length, 2);
  });

  test(`one that fails leaves no trace, and none of those beside it (${engine})`, async (t) => {
    const database = await open(t);
    const outcomes = await Promise.allSettled(
      ['a', 'bad', 'c', 'a', 'e'].map((name) =>
        database.run(insertSettings, [
          { name: `x${name}`, value: '' },
          { name, value: '' },
        ]),
      ),
    );
    // Of the two that insert the same name one wins.
    assert.equal(outcomes.filter((each) => each.status === 'rejected').length, 2);
    assert.match(String(outcomes[1]?.status === 'rejected' && outcomes[1].reason), /bad/);
    const names = (await database.read.selectFrom('settings').select('name').execute()).map((row) => row.name);
    for (const name of ['a', 'xa', 'c', 'xc', 'e', 'xe']) assert.ok(names.includes(name), name);
    for (const name of ['bad', 'xbad']) assert.ok(!names.includes(name), name);
  });

  test(`within a unit it sees what the unit wrote, and goes with it (${engine})`, async (t) => {
    const database = await open(t);
    const unit = (fails: boolean) =>
      database.write(async (tx) => {
        await tx.insertInto('settings').values({ name: 'first', value: '1' }).execute();
        const names = await database.runIn(tx, insertSettings, [{ name: 'second', value: '2' }]);
        const { value } = await tx.selectFrom('settings').select('value').where('name', '=', 'second').executeTakeFirstOrThrow();
        if (fails) throw new Error('no');
        return [...names, value];
      });
    await assert.rejects(unit(true), /no/);
    const count = async () =>
      (await database.read.selectFrom('settings').select('name').where('name', 'in', ['first', 'second']).execute()).length;
    assert.equal(await count(), 0);
    assert.deepEqual(await unit(false), ['second', '2']);
    assert.equal(await count(), 2);
  });
});
