// A small SMTP server of the test's own takes the mails, refuses them, or says nothing; on both databases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { eachDatabase } from '../../test/databases.ts';
import { createTestClock } from '../../test/http.ts';
import { bodyOf, startSmtp } from '../../test/mail/smtp.ts';
import { createIdentifiers } from '../identifiers.ts';
import type { Database } from '../storage/database/database.ts';
import { writeMail } from './outbox.ts';
import { mailLeaseMs, mailRetryForMs, mailWaitsMs, sendMails } from './send.ts';
import type { MailTransport } from './transport.ts';
import { createMailTransport, mailErrorCode } from './transport.ts';

const log = pino({ level: 'silent' });
const organization = 'organization';

function setUp(database: Database) {
  const clock = createTestClock();
  const ids = createIdentifiers(clock);
  return {
    clock,
    write: (subject = 'Вебхук не работает') =>
      database.write((tx) =>
        writeMail({ tx, organization, recipients: ['a@example.com', 'b@example.com'], subject, body: 'ウェブ\n.\nフック', ids, clock }),
      ),
    row: () => database.read.selectFrom('mails').selectAll().executeTakeFirstOrThrow(),
    send: (transport: MailTransport) => sendMails({ database, clock, transport, log }),
  };
}

eachDatabase((open, engine) => {
  test(`a mail is sent once, to all, with its text whole, and by one of several nodes (${engine})`, async (context) => {
    const database = await open(context);
    const it = setUp(database);
    const inbox = await startSmtp(context);
    await it.write();
    const transport = createMailTransport({ url: inbox.url, from: 'Gatepost <gatepost@example.com>' });
    await Promise.all([it.send(transport), it.send(transport), it.send(transport)]);
    assert.equal(await it.send(transport), false);
    const [mail] = inbox.mails;
    assert.equal(inbox.mails.length, 1);
    assert.equal(mail?.from.startsWith('MAIL FROM:<gatepost@example.com>'), true);
    assert.deepEqual(mail?.to, ['RCPT TO:<a@example.com>', 'RCPT TO:<b@example.com>']);
    assert.equal(mail?.user, '\0user\0pass word');
    assert.equal(
      bodyOf(mail?.text ?? '')
        .replaceAll('\r\n', '\n')
        .trimEnd(),
      'ウェブ\n.\nフック',
    );
    const row = await it.row();
    assert.match(mail?.text ?? '', new RegExp(`Message-ID: <${row.id}@example.com>`, 'i'));
    assert.match(mail?.text ?? '', /^Auto-Submitted: auto-generated/im);
    assert.deepEqual([row.state, row.attempts, row.last_error, row.settled], ['sent', 1, null, it.clock.now()]);
  });

  test(`a mail that is refused is tried again for a day, then it has failed; what the server says is kept as a code (${engine})`, async (context) => {
    const database = await open(context);
    const it = setUp(database);
    const inbox = await startSmtp(context, (line) => (line.startsWith('RCPT') ? `450 no place for ${line}` : null));
    await it.write();
    const transport = createMailTransport({ url: inbox.url, from: 'gatepost@example.com' });
    const waits: number[] = [];
    for (let n = 0; n < 40 && (await it.row()).state === 'pending'; n += 1) {
      await it.send(transport);
      const { due, state, last_error } = await it.row();
      assert.equal(last_error, 'smtp_450');
      if (state === 'pending') waits.push(due - it.clock.now());
      it.clock.ms = Math.max(it.clock.ms, due);
    }
    assert.deepEqual(waits.slice(0, 5), [...mailWaitsMs, mailWaitsMs.at(-1)]);
    const row = await it.row();
    assert.equal(row.state, 'failed');
    assert.ok((row.settled ?? 0) - row.created <= mailRetryForMs);
    assert.equal(inbox.mails.length, 0);
    assert.equal(await it.send(transport), false);
  });

  test(`a node that dies while it sends leaves the mail to be sent again, under the same id (${engine})`, async (context) => {
    const database = await open(context);
    const it = setUp(database);
    await it.write();
    const sent: string[] = [];
    const dying: MailTransport = { send: async ({ id }) => void sent.push(id) };
    const cut: Database = {
      ...database,
      write: async (unit) => (sent.length > 0 ? await new Promise(() => undefined) : await database.write(unit)),
    };
    void sendMails({ database: cut, clock: it.clock, transport: dying, log });
    while (sent.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await it.send(dying);
    assert.equal(sent.length, 1);
    it.clock.ms += mailLeaseMs;
    await it.send(dying);
    assert.equal(sent.length, 2);
    assert.equal(sent[0], sent[1]);
    assert.equal((await it.row()).state, 'sent');
  });
});

test('a mail server that is not there, or refuses the password, is told by a code without either', async (t) => {
  const inbox = await startSmtp(t, (line) => (line.startsWith('AUTH') ? '535 pass word is wrong' : null));
  const mail = { id: 'x', recipients: ['a@example.com'], subject: 's', body: 'b' };
  const codeOf = (url: string) =>
    createMailTransport({ url, from: 'a@example.com' })
      .send(mail)
      .then(() => 'sent', mailErrorCode);
  assert.equal(await codeOf(inbox.url), 'smtp_535');
  assert.match(await codeOf('smtp://127.0.0.1:1'), /^E[A-Z]+$/);
  assert.equal(mailErrorCode(Object.assign(new Error('no'), { code: 'pass word' })), 'mail_failed');
});
