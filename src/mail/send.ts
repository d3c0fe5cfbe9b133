import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Database } from '../storage/database/database.ts';
import type { MailsTable } from '../storage/database/schema.ts';
import type { MailTransport } from './transport.ts';
import { mailErrorCode } from './transport.ts';

/** Mails of one round. */
export const mailsOfRoundMax = 20;
/** How long a node that took a mail is believed to be sending it. */
export const mailLeaseMs = 300_000;
/** The wait after the first failure, the second, and so on; the last one stays. */
export const mailWaitsMs: readonly number[] = [60_000, 300_000, 900_000, 3_600_000];
/** A mail that could not be sent for so long has failed. */
export const mailRetryForMs = 86_400_000;

export interface SendMailsOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly transport: MailTransport;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Nothing further is begun when it is aborted. */
  readonly signal?: AbortSignal;
}

type Row = Selectable<MailsTable>;

/**
 * Sends what is due, one after the other, and answers whether there may be more. Each is taken by compare-and-set before it is sent, so that of
 * several nodes one sends it; a node that dies while it sends leaves it to be sent again when its time is over.
 */
export async function sendMails(options: SendMailsOptions): Promise<boolean> {
  const { database, clock, signal } = options;
  const due = await database.read
    .selectFrom('mails')
    .selectAll()
    .where(sql<boolean>`state = 'pending'`)
    .where('due', '<=', clock.now())
    .orderBy('due')
    .limit(mailsOfRoundMax)
    .execute();
  for (const mail of due) {
    if (signal?.aborted === true) return false;
    const taken = await change(options, mail, { due: clock.now() + mailLeaseMs, attempts: mail.attempts + 1 });
    if (taken !== null) await send(options, taken);
  }
  return due.length === mailsOfRoundMax;
}

async function send(options: SendMailsOptions, mail: Row): Promise<void> {
  const { clock, transport, log } = options;
  const { id, subject, body, attempts } = mail;
  const recipients = JSON.parse(mail.recipients) as readonly string[];
  try {
    await transport.send({ id, recipients, subject, body });
  } catch (error) {
    const last_error = mailErrorCode(error);
    const now = clock.now();
    const waitMs = mailWaitsMs[Math.min(attempts, mailWaitsMs.length) - 1] ?? mailRetryForMs;
    const failed = now + waitMs >= mail.created + mailRetryForMs;
    await change(options, mail, failed ? { state: 'failed', settled: now, last_error } : { due: now + waitMs, last_error });
    log.warn({ mail: id, attempt: attempts, error: last_error, outcome: failed ? 'failed' : 'pending' }, 'mail.attempted');
    return;
  }
  await change(options, mail, { state: 'sent', settled: clock.now(), last_error: null });
  log.info({ mail: id, attempt: attempts, error: null, outcome: 'sent' }, 'mail.attempted');
}

/** Changes a mail that is as it was seen. Null: another has it. */
async function change({ database }: SendMailsOptions, mail: Row, set: Partial<Row>): Promise<Row | null> {
  const result = await database.write((tx) =>
    tx
      .updateTable('mails')
      .set(set)
      .where('id', '=', mail.id)
      .where('organization', '=', mail.organization)
      .where('state', '=', 'pending')
      .where('attempts', '=', mail.attempts)
      .where('due', '=', mail.due)
      .executeTakeFirst(),
  );
  return result.numUpdatedRows === 1n ? { ...mail, ...set } : null;
}
