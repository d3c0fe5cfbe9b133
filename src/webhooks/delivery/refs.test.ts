// Whose webhooks a push goes to, on both databases and by every way that events are recorded: in the unit of whoever moves refs, alone, by the sweep,
// and by a replay. Repositories, projects and filters choose; what has no ref is not chosen by any.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachDatabase } from '../../../test/databases.ts';
import { createEngine, lastFirst } from '../../../test/webhooks/engine.ts';
import { push } from '../../../test/webhooks/git-facts.ts';
import type { Rows } from '../../../test/webhooks/rows.ts';
import { createRows } from '../../../test/webhooks/rows.ts';
import type { EventKind } from '../../events/event.ts';
import { insertEvent, recordEvent } from '../../events/record.ts';
import type { Database } from '../../storage/database/database.ts';
import { webhookDeletionSteps } from '../deletion.ts';
import { updateWebhook } from '../subscriptions/change.ts';
import { insertWebhook } from '../subscriptions/store.ts';
import { createFanOut, fanOutInlineMax, fanOutPieceMax } from './fan-out.ts';
import { insertReplay } from './replay.ts';
import { createReplays, lateCommitMs } from './replay-round.ts';
import { resend } from './resend.ts';

const retryForMs = 3_600_000;

interface Told {
  readonly kind?: EventKind;
  readonly project?: string | null;
  readonly repository?: string | null;
  readonly ref?: string | null;
}

/** The ways that events are recorded, each answering the event's id. */
function waysOf(it: Rows) {
  const { database, ids, clock, organization } = it;
  const fanOut = createFanOut({ database, ids, clock, retryForMs, accepted: () => undefined });
  const whole = ({ kind = 'push', project = null, repository = null, ref = null }: Told) => ({
    organization,
    kind,
    project,
    repository,
    ref,
    facts: push(),
  });
  return {
    fanOut,
    withUnit: (told: Told) => database.write((tx) => recordEvent({ ...whole(told), tx, ids, clock, onRecorded: fanOut.onRecorded })),
    async late(told: Told) {
      const event = { ...whole(told), id: ids.next(), created: clock.now() };
      await database.write((tx) => insertEvent({ tx, event }));
      await fanOut.sweep();
      return event.id;
    },
  };
}

const toldOf = async (database: Database, event: string): Promise<readonly string[]> =>
  (await database.read.selectFrom('deliveries').select('webhook').where('event', '=', event).orderBy('id').execute()).map(
    (row) => row.webhook,
  );

const markOf = async (database: Database, event: string): Promise<number> =>
  (await database.read.selectFrom('events').select('fanned_out').where('id', '=', event).executeTakeFirstOrThrow()).fanned_out;

eachDatabase((open, engine) => {
  test(`a push goes to the webhooks of its repository, its project and the organization whose filter lets it pass (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { withUnit, late } = waysOf(it);
    const dialect = 'secure-source-manager';
    const events: readonly EventKind[] = ['push', 'pull_request'];
    const ofRepository = await it.addWebhook({ repository: 'r1', events, dialect });
    const ofMain = await it.addWebhook({ repository: 'r1', events, dialect, refFilter: '{main,release/*}' });
    const ofTags = await it.addWebhook({ repository: 'r1', events, dialect, refFilter: 'refs/tags/v*' });
    const ofOther = await it.addWebhook({ repository: 'r2', events, dialect });
    const ofProject = await it.addWebhook({ project: 'p1', events, refFilter: 'main' });
    const ofAll = await it.addWebhook({ events });
    const expected: readonly (readonly [told: Told, webhooks: readonly string[]])[] = [
      [{ repository: 'r1', ref: 'refs/heads/main' }, [ofRepository, ofMain, ofAll]],
      [{ repository: 'r1', project: 'p1', ref: 'refs/heads/main' }, [ofRepository, ofMain, ofProject, ofAll]],
      [{ repository: 'r1', project: 'p1', ref: 'refs/heads/dev' }, [ofRepository, ofAll]],
      [{ repository: 'r1', ref: 'refs/heads/release/1/2' }, [ofRepository, ofMain, ofAll]],
      [{ repository: 'r1', ref: 'refs/tags/v1' }, [ofRepository, ofTags, ofAll]],
      [{ repository: 'r2', ref: 'refs/heads/main' }, [ofOther, ofAll]],
      // A filter is of pushes, whatever else is asked for.
      [{ repository: 'r1', kind: 'pull_request' }, [ofRepository, ofMain, ofTags, ofAll]],
      [{}, [ofAll]],
    ];
    for (const [told, webhooks] of expected) {
      for (const record of [withUnit, late]) {
        const event = await record(told);
        assert.deepEqual([...(await toldOf(it.database, event))].toSorted(), [...webhooks].toSorted(), JSON.stringify(told));
        assert.equal(await markOf(it.database, event), 1);
      }
    }
  });

  test(`many webhooks whose filter says no keep no event from being told to the few that want it, nor the sweep busy (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { withUnit, fanOut } = waysOf(it);
    const wanted: string[] = [];
    const made = fanOutPieceMax + fanOutInlineMax + 50;
    const bare = await it.addWebhook({ repository: 'r1', events: ['push'] });
    const row = await it.database.read.selectFrom('webhooks').selectAll().where('id', '=', bare).executeTakeFirstOrThrow();
    await it.database.write(async (tx) => {
      await tx.deleteFrom('subscriptions').execute();
      for (let n = 0; n < made; n += 1) {
        const webhook = it.ids.next();
        const refFilter = n % 50 === 0 ? 'main' : 'dev';
        if (refFilter === 'main') wanted.push(webhook);
        await tx
          .insertInto('webhooks')
          .values({ ...row, id: webhook, hook_id: webhook })
          .execute();
        const wish = {
          organization: it.organization,
          kind: 'push',
          scope: 'r1',
          webhook,
          dialect: 'report',
          ref_filter: refFilter,
          since: 0,
        };
        await tx.insertInto('subscriptions').values(wish).execute();
      }
    });
    const few = await withUnit({ repository: 'r1', ref: 'refs/heads/main' });
    assert.equal(await markOf(it.database, few), 1);
    assert.deepEqual([...(await toldOf(it.database, few))].toSorted(), wanted);
    const many = await withUnit({ repository: 'r1', ref: 'refs/heads/dev' });
    assert.equal(await markOf(it.database, many), 0);
    await fanOut.sweep();
    assert.equal(await markOf(it.database, many), 1);
    assert.equal((await toldOf(it.database, many)).length, made - wanted.length);
    assert.deepEqual(await fanOut.sweep(), []);
  });

  test(`what is recorded alone is told by repository and filter, and a guess from the last one does not decide (${engine})`, async (context) => {
    const t = lastFirst(context);
    const database = await open(t);
    const it = await createEngine(t, { database });
    const main = await it.addWebhook('http://127.0.0.1:1/', { events: ['push'], repository: 'r1', refFilter: 'main' });
    const dev = await it.addWebhook('http://127.0.0.1:1/', { events: ['push'], repository: 'r1', refFilter: 'dev' });
    const record = (ref: string) =>
      it.worker.record({ organization: it.organization, kind: 'push', project: null, repository: 'r1', ref, facts: push() });
    const events = await Promise.all(['main', 'dev', 'main', 'other', 'dev'].map((name) => record(`refs/heads/${name}`)));
    const told = await Promise.all(events.map((event) => toldOf(database, event)));
    assert.deepEqual(told, [[main], [dev], [main], [], [dev]]);
    const row = await database.read
      .selectFrom('events')
      .selectAll()
      .where('id', '=', events[3] ?? '')
      .executeTakeFirstOrThrow();
    assert.deepEqual([row.repository, row.ref, row.fanned_out], ['r1', 'refs/heads/other', 1]);
  });

  test(`a changed filter counts from the next push on, and a replay asks by what it is now (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { database, clock, ids, organization, sealer } = it;
    const { withUnit } = waysOf(it);
    const who = { organization, onlyProject: null, actor: 'cli' as const, ids, clock };
    const webhook = await it.addWebhook({ repository: 'r1', events: ['push', 'pull_request'], dialect: 'github', refFilter: 'main' });
    clock.ms += 1_000;
    const change = (refFilter: string | null) =>
      database.write((tx) => updateWebhook({ ...who, tx, webhook, change: { refFilter }, sealer }));
    const main = await withUnit({ repository: 'r1', ref: 'refs/heads/main' });
    const dev = await withUnit({ repository: 'r1', ref: 'refs/heads/dev' });
    await withUnit({ repository: 'r2', ref: 'refs/heads/dev' });
    await change('dev');
    assert.deepEqual(await toldOf(database, await withUnit({ repository: 'r1', ref: 'refs/heads/main' })), []);
    const pull = await withUnit({ repository: 'r1', kind: 'pull_request' });
    assert.deepEqual([await toldOf(database, main), await toldOf(database, dev), await toldOf(database, pull)], [[webhook], [], [webhook]]);
    // What was promised is sent again on demand, whatever is wanted now.
    const { id: delivery } = await database.read.selectFrom('deliveries').select('id').where('event', '=', main).executeTakeFirstOrThrow();
    await database.write((tx) =>
      tx.updateTable('deliveries').set({ state: 'exhausted', settled: 1 }).where('organization', '=', organization).execute(),
    );
    await database.write((tx) => resend({ tx, organization, delivery, clock, retryForMs }));
    assert.equal((await it.delivery(delivery))['state'], 'pending');
    await database.write((tx) => tx.updateTable('deliveries').set({ state: 'exhausted', settled: 1 }).where('id', '=', delivery).execute());
    clock.ms += 1_000;
    await database.write((tx) => insertReplay({ ...who, tx, webhook, since: 0, until: clock.now(), only: 'failed' }));
    clock.ms += lateCommitMs;
    const replays = createReplays({ database, ids, clock, retryForMs, nudge: () => undefined });
    while (await replays.round());
    const rows = await database.read.selectFrom('deliveries').select('event').where('state', '=', 'pending').orderBy('event').execute();
    assert.deepEqual(
      rows.map((row) => row.event),
      [dev, pull],
    );
    await change(null);
    assert.deepEqual(await toldOf(database, await withUnit({ repository: 'r1', ref: 'refs/tags/v1' })), [webhook]);
  });

  test(`with a repository go its webhooks, its events and what they promised to others, and nothing else (${engine})`, async (context) => {
    const it = await createRows(await open(context));
    const { database, organization, ids, clock, sealer } = it;
    const { withUnit } = waysOf(it);
    const gone = await it.addWebhook({ repository: 'r1' });
    const stays = await it.addWebhook({ repository: 'r2' });
    const ofAll = await it.addWebhook();
    await withUnit({ repository: 'r1', project: 'p1', ref: 'refs/heads/main' });
    const event = await withUnit({ repository: 'r2', project: 'p1', ref: 'refs/heads/main' });
    const scope = { organization, project: null, repository: 'r1' };
    for (const { run } of webhookDeletionSteps) assert.ok((await database.write((tx) => run({ ...scope, tx, limit: 500 }))) < 500);
    const left = async (table: 'events' | 'webhooks') =>
      (await database.read.selectFrom(table).select('id').orderBy('id').execute()).map(({ id }) => id);
    assert.deepEqual(await left('events'), [event]);
    assert.deepEqual(await left('webhooks'), [stays, ofAll].toSorted());
    assert.deepEqual([...(await toldOf(database, event))].toSorted(), [stays, ofAll].toSorted());
    assert.equal((await database.read.selectFrom('deliveries').select('id').execute()).length, 2);
    assert.equal((await database.read.selectFrom('event_bodies').select('event').execute()).length, 1);
    for (const table of ['subscriptions', 'webhook_states'] as const) {
      assert.deepEqual(await database.read.selectFrom(table).select('webhook').where('webhook', '=', gone).execute(), []);
    }
    // Who makes one meanwhile finds that there is no repository any more.
    await database.write((tx) => tx.deleteFrom('repositories').where('id', '=', 'r1').execute());
    const named = {
      project: null,
      repository: { id: 'r1', name: 'r1' },
      name: 'late',
      url: new URL('https://a.example'),
      events: ['push'] as const,
    };
    await assert.rejects(
      database.write((tx) =>
        insertWebhook({ ...named, tx, organization, dialect: 'gitea', secret: null, actor: 'cli', sealer, ids, clock }),
      ),
      { code: 'unknown_repository' },
    );
  });
});
