import { sql } from 'kysely';
import type { Clock } from '../../clock.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Reader } from '../../storage/database/database.ts';
import { dialectOf } from '../dialects/all.ts';
import type { Dialect } from '../dialects/dialect.ts';
import type { LiveSecrets } from '../signing/secret.ts';
import { soughtOf } from '../subscriptions/masking.ts';
import { openRow } from '../subscriptions/sealed.ts';
import { basicAuthorization } from '../subscriptions/url.ts';
import { addedHeaderList } from './added-headers.ts';
import type { RetryName, RetryPolicy } from './decide.ts';
import { retryPolicy } from './decide.ts';
import type { Rate } from './rate.ts';
import type { Transport } from './send.ts';
import type { Remembered } from './health.ts';

/** A webhook with its secrets open: in memory alone, as long as its row is the same. */
export interface Target {
  readonly webhook: string;
  readonly organization: string;
  readonly slug: string;
  /** Of the row that it was opened from. */
  readonly revision: number;
  /** Of webhooks that one event goes to, the lesser begins first: those of a project by name, then the organization's. */
  readonly rank: string;
  readonly dialect: Dialect;
  readonly url: URL;
  /** Path and query as they go out. */
  readonly target: string;
  /** As it may be shown and logged. */
  readonly shownUrl: string;
  readonly transport: Transport;
  readonly authorization: string | null;
  /** Null: that of the server. */
  readonly userAgent: string | null;
  /** Name, value, name, value. */
  readonly addedHeaders: readonly string[];
  readonly policy: RetryPolicy;
  readonly ordered: boolean;
  readonly rate: Rate | null;
  /** What signs now; null: it has no secret, and nothing is signed. */
  secrets(): LiveSecrets | null;
  /** What to look for in whatever the receiver throws back, and to mask: of `soughtOf`. */
  readonly masked: readonly string[];
  readonly remembered: Remembered;
}

/** A webhook whose secrets do not open: each attempt says so. */
export interface Unopened {
  readonly webhook: string;
  readonly organization: string;
  readonly slug: string;
  readonly revision: number;
  readonly rank: string;
  readonly error: unknown;
  readonly policy: RetryPolicy;
  readonly ordered: boolean;
  readonly rate: Rate | null;
  readonly remembered: Remembered;
}

export interface TargetOptions {
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly retryIntervalMs: number;
  /** Added to every request beside the webhook's own. */
  readonly addedHeaders: Readonly<Record<string, string>>;
  /** By dialect, where one gives itself another name than the server's. */
  readonly userAgents?: Readonly<Record<string, string>>;
}

/** Webhooks that one statement reads. */
export const targetsOfReadMax = 500;

/** Reads and opens webhooks; one that is gone is left out. */
export async function readTargets(read: Reader, ids: readonly string[], options: TargetOptions): Promise<readonly (Target | Unopened)[]> {
  const rows = await select(read, ids);
  return rows.map((row) => {
    const common = {
      webhook: row.id,
      organization: row.organization,
      slug: row.slug,
      revision: row.revision,
      rank: (row.project === null && row.repository === null ? '1' : '0') + row.name,
      policy: retryPolicy(row.retry as RetryName, options.retryIntervalMs),
      ordered: row.ordered === 1,
      rate: row.rate_count === null ? null : { count: row.rate_count, periodMs: row.rate_period_ms ?? 0 },
      remembered: {
        failures: row.failures,
        slow: row.slow === 1,
        proven: row.last_success !== null,
        restingUntil: row.resting_until,
      },
    };
    try {
      return { ...common, ...open(row, options) };
    } catch (error) {
      return { ...common, error };
    }
  });
}

export function isOpen(target: Target | Unopened): target is Target {
  return 'url' in target;
}

type Row = Awaited<ReturnType<typeof select>>[number];

async function select(read: Reader, ids: readonly string[]) {
  return read
    .selectFrom('webhooks')
    .innerJoin('organizations', 'organizations.id', 'webhooks.organization')
    .innerJoin('webhook_states', 'webhook_states.webhook', 'webhooks.id')
    .selectAll('webhooks')
    .select(['organizations.slug', 'webhook_states.slow', 'webhook_states.resting_until', 'webhook_states.last_success'])
    .select(sql<number>`webhook_states.failures`.as('failures'))
    .where('webhooks.id', 'in', [...ids])
    .execute();
}

function open(row: Row, { sealer, clock, addedHeaders, userAgents = {} }: TargetOptions) {
  const opened = openRow(sealer, row, Object.values(addedHeaders));
  const { alone, both } = signingWith(opened);
  const until = both === alone ? null : row.previous_secret_until;
  const dialect = dialectOf(row.dialect);
  return {
    dialect,
    url: opened.url,
    target: dialect.normalTarget === true ? opened.url.pathname + opened.url.search : opened.target,
    shownUrl: opened.shownUrl,
    transport: { proxy: opened.proxy, ca: row.ca, redirects: dialect.redirects, revision: row.revision },
    authorization: basicAuthorization(opened.url),
    userAgent: userAgents[dialect.name] ?? null,
    addedHeaders: addedHeaderList(addedHeaders, opened.headers, opened.url),
    secrets: () => (until !== null && clock.now() < until ? both : alone),
    masked: soughtOf(opened.masked),
  };
}

/** An empty secret is none: what was signed with before then signs no longer, and nothing is signed beside what is signed first. */
function signingWith({ secret, previousSecret }: { readonly secret: string; readonly previousSecret: string | null }) {
  const alone: LiveSecrets | null = secret === '' ? null : { current: secret, previous: null };
  const both = alone === null || previousSecret === null || previousSecret === '' ? alone : { ...alone, previous: previousSecret };
  return { alone, both };
}
