import { invalid } from '../../errors.ts';
import type { Sealer } from '../../secret-key.ts';
import { checkedHeaders } from '../delivery/added-headers.ts';
import type { RetryName } from '../delivery/decide.ts';
import { retryNames } from '../delivery/decide.ts';
import type { AddedHeaders } from './sealed.ts';
import { sealedIn, unlessLost } from './sealed.ts';
import { mask, maskUrl } from './url.ts';
import type { RateLimit, Sending } from './webhook.ts';
import { ratePeriodsMs, retryDefault } from './webhook.ts';

/** What is asked of how deliveries are sent. What is not named stays as it is. */
export interface SendingChange {
  readonly retry?: RetryName;
  readonly ordered?: boolean;
  readonly rateLimit?: RateLimit | null;
  /** All of them, or null for none. A value that is `mask` stays what it was. */
  readonly headers?: AddedHeaders | null;
  readonly proxy?: URL | null;
  /** Checked by `checkedAuthorities`. */
  readonly ca?: string | null;
}

/** The columns of a webhook's row that say how its deliveries are sent. */
export interface SendingColumns {
  readonly retry: string;
  readonly ordered: number;
  readonly rate_count: number | null;
  readonly rate_period_ms: number | null;
  readonly headers: string | null;
  readonly proxy: string | null;
  readonly ca: string | null;
}

export const sendingDefault: SendingColumns = {
  retry: retryDefault,
  ordered: 0,
  rate_count: null,
  rate_period_ms: null,
  headers: null,
  proxy: null,
  ca: null,
};

export interface ChangedColumnsOptions {
  readonly sealer: Sealer;
  readonly webhook: string;
  /** Where it is sent, after the change: a URL with a user leaves no room for an `authorization` of one's own. Null: neither was changed. */
  readonly url: URL | null;
  readonly now: SendingColumns;
  readonly change: SendingChange;
}

/** The columns after a change. Fails as `checkedHeaders` does, and with `invalid_header_value` where a value to be kept is not there. */
export function changedColumns({ sealer, webhook, url, now, change }: ChangedColumnsOptions): SendingColumns {
  const { retry, ordered, rateLimit, proxy, ca } = change;
  const places = sealedIn(webhook);
  const known = unlessLost(() => places.openHeaders(sealer, now.headers), {});
  const given = change.headers === undefined ? known : withKept(change.headers ?? {}, known);
  const headers = url === null ? given : checkedHeaders(given, url);
  const rate = rateLimit === undefined ? now : rateColumns(rateLimit);
  return {
    retry: retry ?? now.retry,
    ordered: ordered === undefined ? now.ordered : Number(ordered),
    rate_count: rate.rate_count,
    rate_period_ms: rate.rate_period_ms,
    headers: change.headers === undefined ? now.headers : places.sealHeaders(sealer, headers),
    proxy: proxy === undefined ? now.proxy : places.sealProxy(sealer, proxy),
    ca: ca === undefined ? now.ca : ca,
  };
}

function withKept(given: AddedHeaders, known: AddedHeaders): AddedHeaders {
  const entries = Object.entries(given).map(([name, value]) => {
    const kept = value === mask ? known[name.toLowerCase()] : value;
    if (kept !== undefined) return [name, kept] as const;
    throw invalid('invalid_header_value', `There is no header of that name whose value could stay: ${mask} is none.`, { header: name });
  });
  return Object.fromEntries(entries);
}

function rateColumns(rateLimit: RateLimit | null) {
  if (rateLimit === null) return { rate_count: null, rate_period_ms: null };
  return { rate_count: rateLimit.count, rate_period_ms: ratePeriodsMs[rateLimit.per] };
}

/** The same as it may be shown. */
export function shownSending(sealer: Sealer, webhook: string, row: SendingColumns): Sending {
  const places = sealedIn(webhook);
  const names = Object.keys(unlessLost(() => places.openHeaders(sealer, row.headers), {}));
  const proxy = unlessLost<URL | string | null>(() => places.openProxy(sealer, row.proxy), mask);
  return {
    retry: retryNames.find((retry) => retry === row.retry) ?? retryDefault,
    ordered: row.ordered === 1,
    rateLimit:
      row.rate_count === null ? null : { count: row.rate_count, per: row.rate_period_ms === ratePeriodsMs.minute ? 'minute' : 'second' },
    headers: Object.fromEntries(names.map((name) => [name, mask])),
    proxy: proxy instanceof URL ? maskUrl(proxy) : proxy,
    ca: row.ca,
  };
}

/** What a change says, for the audit log: that a secret was changed, never to what. */
export function shownSendingChange(change: SendingChange): Readonly<Record<string, unknown>> {
  const { headers, proxy, ca, ...rest } = change;
  return {
    ...rest,
    ...(headers === undefined ? {} : { headers: Object.keys(headers ?? {}) }),
    ...(proxy === undefined ? {} : { proxy: proxy === null ? null : maskUrl(proxy) }),
    ...(ca === undefined ? {} : { ca: ca === null ? null : 'changed' }),
  };
}
