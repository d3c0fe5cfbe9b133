import { sql } from 'kysely';
import { timestampText } from '../../clock.ts';
import type { Reader } from '../../storage/database/database.ts';
import { mailLeaseMs } from '../../mail/send.ts';
import type { Check, Item } from './check.ts';
import { countedMax, countText, itemsShownMax, ok, warning } from './check.ts';

/** Failures of longer ago are history. */
export const mailsLookedBackMs = 7 * 86_400_000;

/** Mails that the mail server did not take, and those that nobody sends. Whom they are for is not told. */
export async function checkMails({
  read,
  now,
  sends,
}: {
  readonly read: Reader;
  readonly now: number;
  /** There is a mail server in the settings. */
  readonly sends: boolean;
}): Promise<Check> {
  const rows = await read
    .selectFrom('mails')
    .select(['state', 'last_error', (row) => row.fn.countAll<number>().as('count'), (row) => row.fn.min('created').as('since')])
    .where((row) =>
      row.or([
        row.and([row('state', '=', 'failed'), row('settled', '>=', now - mailsLookedBackMs)]),
        row.and([sql<boolean>`state = 'pending'`, row('last_error', 'is not', null)]),
        row.and([sql<boolean>`state = 'pending'`, row('due', '<', now - mailLeaseMs)]),
      ]),
    )
    .groupBy(['state', 'last_error'])
    .orderBy('count', 'desc')
    .limit(itemsShownMax)
    .execute();
  if (rows.length === 0) return ok('mails', 'none waits');
  const items = rows.map(({ state, last_error: error, count, since }): Item => {
    const what = state === 'failed' ? 'given up' : error === null ? 'not sent' : 'to be tried again';
    const text = timestampText(since);
    return {
      says: `${countText(count)} ${what}, the first of ${text}${error === null ? '' : `: ${error}`}`,
      state,
      error,
      count,
      since: text,
    };
  });
  const total = rows.reduce((sum, { count }) => sum + count, 0);
  const remedy = sends
    ? 'The error is what the mail server answered: look at GATEPOST_SMTP_URL and GATEPOST_MAIL_FROM, and at mail.attempted in the log.'
    : 'GATEPOST_SMTP_URL is not set here: if the server has none either, they are never sent.';
  return warning('mails', `${countText(Math.min(total, countedMax))} did not go out`, remedy, items);
}
