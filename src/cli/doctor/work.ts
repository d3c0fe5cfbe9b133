import { timestampText } from '../../clock.ts';
import type { Reader } from '../../storage/database/database.ts';
import type { Check } from './check.ts';
import { failed, ok, warning } from './check.ts';

/** An analysis that waits longer than this has nobody who works on it. */
const waitingMsMax = 15 * 60_000;
const dayMs = 86_400_000;
/** Rows of the future by more than this: the clock was put back. */
const skewMsMax = 5 * 60_000;

/** What the server should be doing: the clock, analyses that do not move, webhooks that fail. Over all organizations, as an operator sees it. */
export async function checkWork({ read, now }: { readonly read: Reader; readonly now: number }): Promise<readonly Check[]> {
  return [await checkClock(read, now), await checkAnalyses(read, now), await checkWebhooks(read, now)];
}

async function checkClock(read: Reader, now: number): Promise<Check> {
  const newest = await read
    .selectFrom('audit')
    .select((row) => row.fn.max('at').as('at'))
    .executeTakeFirst();
  const at = newest?.at ?? 0;
  if (at > now + skewMsMax) {
    return failed(
      'clock',
      `it says ${timestampText(now)}, but something was recorded at ${timestampText(at)}`,
      'Set the clock; best by NTP.',
    );
  }
  return ok('clock', timestampText(now));
}

async function checkAnalyses(read: Reader, now: number): Promise<Check> {
  const rows = await read
    .selectFrom('analyses')
    .select((row) => ['status', row.fn.countAll().as('count'), row.fn.min('created').as('oldest')])
    .where('status', 'in', ['pending', 'running'])
    .groupBy('status')
    .execute();
  const oldest = Math.min(...rows.map((row) => row.oldest));
  const says = rows.length === 0 ? 'none waits' : rows.map((row) => `${Number(row.count)} ${row.status}`).join(', ');
  if (now - oldest <= waitingMsMax || rows.length === 0) return ok('analyses', says);
  const remedy = 'Is the server running? Its log says what holds it up; GATEPOST_ANALYSES_AT_ONCE lets it work on more.';
  return warning('analyses', `${says}; the oldest since ${timestampText(oldest)}`, remedy);
}

async function checkWebhooks(read: Reader, now: number): Promise<Check> {
  const rows = await read
    .selectFrom('deliveries')
    .innerJoin('webhooks', 'webhooks.id', 'deliveries.webhook')
    .select((row) => ['webhooks.id', 'webhooks.name', 'deliveries.state', row.fn.countAll().as('count')])
    .where('deliveries.created', '>', now - 5 * dayMs)
    .where((row) =>
      row.or([
        row('deliveries.state', '=', 'exhausted'),
        row.and([row('deliveries.state', '=', 'pending'), row('deliveries.attempts', '>', 0)]),
      ]),
    )
    .groupBy(['webhooks.id', 'webhooks.name', 'deliveries.state'])
    .execute();
  if (rows.length === 0) return ok('webhooks', 'none fails');
  const says = rows.map((row) => `${row.name} (${row.id}): ${Number(row.count)} ${row.state === 'pending' ? 'being retried' : 'given up'}`);
  return warning('webhooks', says.join('; '), 'GET /v1/deliveries?webhook=… shows each attempt and what the receiver answered.');
}
