// Sources as webhooks are verified with, held in memory: what another node changes counts after two seconds at the latest, what is changed here at once,
// and what nobody made is not held.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import { createTestServer } from '../../../test/http.ts';
import { createSealer } from '../../secret-key.ts';
import { deleteSource, rotateSourceSecret } from './source-change.ts';
import { createSourceLookup, sourceBelievedMs } from './source-lookup.ts';
import { settingsDefault } from './source.ts';
import { insertSource } from './source-store.ts';

const body = Buffer.from('{}');
const signed = (secret: string) => createHmac('sha256', secret).update(body).digest();

eachDatabase((open, engine) => {
  test(`what another node changed counts after ${sourceBelievedMs} ms, what is forgotten at once (${engine})`, async (t) => {
    const database = await open(t);
    const { clock, ids, organization } = await createTestServer({ database });
    const { id, slug } = await organization('Example');
    const sealer = createSealer(Buffer.alloc(32, 1));
    const common = { organization: id, actor: 'cli' as const, sealer, ids, clock };
    const given = { name: 's', url: 'http://a', token: 't', secret: 'the first secret', ca: null, settings: settingsDefault };
    const { id: source } = await database.write((tx) => insertSource({ ...common, tx, given }));
    const lookup = createSourceLookup({ database, sealer, clock });
    const first = await lookup.find(source);
    assert.deepEqual([first?.organization, first?.slug], [id, slug]);
    assert.deepEqual(
      [first?.isSignedBy(signed('the first secret'), body), first?.isSignedBy(signed('another secret'), body)],
      [true, false],
    );
    const anew = { source, secret: 'the second secret', overlapMs: 60_000 };
    await database.write((tx) => rotateSourceSecret({ ...common, tx, ...anew }));
    const counts = async (secret: string) => (await lookup.find(source))?.isSignedBy(signed(secret), body) ?? null;
    clock.ms += sourceBelievedMs - 1;
    assert.equal(await counts('the second secret'), false, 'still believed');
    clock.ms += 1;
    assert.deepEqual([await counts('the second secret'), await counts('the first secret')], [true, true]);
    clock.ms += 60_000;
    assert.deepEqual([await counts('the second secret'), await counts('the first secret')], [true, false], 'the overlap is over');
    await database.write((tx) => deleteSource({ ...common, tx, source }));
    assert.equal(await counts('the second secret'), true);
    lookup.forget(source);
    assert.equal(await counts('the second secret'), null);
    assert.equal(await lookup.find('no id at all'), null);
  });
});
