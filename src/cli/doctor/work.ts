import type { Clock } from '../../clock.ts';
import { timestampText } from '../../clock.ts';
import type { Reader } from '../../storage/database/database.ts';
import type { Check } from './check.ts';
import { ok, warning } from './check.ts';
import { checkClock } from './clock.ts';
import { checkEvents, checkLeases, checkReplays } from './engine.ts';
import { checkMails } from './mails.ts';
import { checkSources } from './sources.ts';
import { checkOverdue, checkWebhooks } from './webhooks.ts';

/** An analysis that waits longer than this has nobody who works on it. */
const waitingMsMax = 15 * 60_000;

export interface WorkOptions {
  readonly read: Reader;
  /** This machine's. */
  readonly clock: Clock;
  /** The database's own, where nodes share one: deliveries fall due by it. */
  readonly shared: Clock | null;
  /** A server answers. */
  readonly isServing: boolean;
  /** There is a mail server in the settings. */
  readonly sendsMail: boolean;
  /** For tests, which cannot wait so long. */
  readonly lookAgainMs?: number;
}

/** What the server should be doing, and what holds it up. Over all organizations, as an operator sees it. */
export async function checkWork(options: WorkOptions): Promise<readonly Check[]> {
  const { read, clock, shared, isServing, sendsMail } = options;
  const now = clock.now();
  const due = { read, now: Math.round((shared ?? clock).now()), isServing };
  return [
    await checkClock(options),
    await checkAnalyses(read, now),
    await checkSources({ read, now, isServing }),
    await checkEvents({ read, now, isServing }),
    await checkOverdue(due),
    await checkLeases(due),
    await checkWebhooks(due),
    await checkReplays({ read, now, isServing, ...(options.lookAgainMs === undefined ? {} : { lookAgainMs: options.lookAgainMs }) }),
    await checkMails({ read, now, sends: sendsMail }),
  ];
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
