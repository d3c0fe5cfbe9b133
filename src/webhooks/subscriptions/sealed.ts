import { GatepostError } from '../../errors.ts';
import type { Sealer } from '../../secret-key.ts';
import { joined, shownJoined } from './query.ts';
import { requestTarget, secretsOf, secretsOfQuery, secretsOfTarget } from './url.ts';

/** What stands in the place of the secret of a webhook that has none. Nothing is signed for it. */
export const noSecret = '';

/** Where the sealed texts of a webhook belong, so that one that was moved to another row or column does not open. */
export function sealedIn(webhook: string) {
  const url = `webhooks/${webhook}/url`;
  const proxy = `webhooks/${webhook}/proxy`;
  const query = `webhooks/${webhook}/query`;
  const headers = `webhooks/${webhook}/headers`;
  const secret = `webhooks/${webhook}/secret`;
  return {
    url,
    secret,
    previousSecret: `webhooks/${webhook}/previous_secret`,
    headers,
    proxy,
    query,
    /** `text`: as it was written, where that is to be shown again. */
    sealUrl: (sealer: Sealer, given: URL, text: string = given.href): string => sealer.seal(text, url),
    sealSecret: (sealer: Sealer, given: string | null): string => (given === null ? noSecret : sealer.seal(given, secret)),
    /** Empty where there is none. */
    openSecret: (sealer: Sealer, kept: string): string => (kept === noSecret ? noSecret : sealer.open(kept, secret)),
    /** A URL that was kept before all were sealed may still lie in clear. */
    openUrl: (sealer: Sealer, kept: string): string => (isClear(kept) ? kept : sealer.open(kept, url)),
    sealProxy: (sealer: Sealer, given: URL | null): string | null => (given === null ? null : sealer.seal(given.href, proxy)),
    openProxy: (sealer: Sealer, kept: string | null): URL | null => (kept === null ? null : new URL(sealer.open(kept, proxy))),
    sealQuery: (sealer: Sealer, given: string | null): string | null => (given === null ? null : sealer.seal(given, query)),
    openQuery: (sealer: Sealer, kept: string | null): string | null => (kept === null ? null : sealer.open(kept, query)),
    sealHeaders: (sealer: Sealer, given: AddedHeaders): string | null =>
      Object.keys(given).length === 0 ? null : sealer.seal(JSON.stringify(given), headers),
    openHeaders: (sealer: Sealer, kept: string | null): AddedHeaders =>
      kept === null ? {} : (JSON.parse(sealer.open(kept, headers)) as AddedHeaders),
  };
}

export type AddedHeaders = Readonly<Record<string, string>>;

/** Whether a kept URL is not sealed. */
export function isClear(kept: string): boolean {
  return /^https?:/.test(kept);
}

/** What `open` gives, or something else where a secret does not open: one that is lost must not hide the webhooks beside it, nor itself. */
export function unlessLost<T>(open: () => T, otherwise: T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof GatepostError && error.code === 'secret_unreadable') return otherwise;
    throw error;
  }
}

/** The columns of a webhook's row that hold something sealed. */
export interface SealedRow {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  readonly previous_secret: string | null;
  readonly headers: string | null;
  readonly proxy: string | null;
  readonly query: string | null;
}

/** The same, open: in memory alone, and only while it is used. */
export interface OpenedRow {
  /** Where it is sent: with the sensitive query string. */
  readonly url: URL;
  /** Its path and query as they were written. */
  readonly target: string;
  /** The URL as it may be shown. */
  readonly shownUrl: string;
  /** Empty where there is none. */
  readonly secret: string;
  readonly previousSecret: string | null;
  readonly headers: AddedHeaders;
  readonly proxy: URL | null;
  /** What must be masked in whatever a receiver throws back. */
  readonly masked: readonly string[];
}

/** Opens all that a webhook's row holds sealed; `more` are other secrets that are sent with it. Fails with `secret_unreadable`. */
export function openRow(sealer: Sealer, row: SealedRow, more: readonly string[] = []): OpenedRow {
  const places = sealedIn(row.id);
  const written = places.openUrl(sealer, row.url);
  const query = places.openQuery(sealer, row.query);
  const sent = joined(written, query);
  const url = new URL(sent);
  const target = requestTarget(sent);
  const secret = places.openSecret(sealer, row.secret);
  const previousSecret = row.previous_secret === null ? null : sealer.open(row.previous_secret, places.previousSecret);
  const headers = places.openHeaders(sealer, row.headers);
  const proxy = places.openProxy(sealer, row.proxy);
  const masked = [
    ...secretsOf(url),
    ...secretsOfTarget(target),
    ...(query === null ? [] : secretsOfQuery(query)),
    ...[secret, previousSecret ?? ''].flatMap((text) => [text, text.replace(/^whsec_/, '')]),
    ...[...Object.values(headers), ...more].flatMap((value) => [value, value.replace(/^(?:Bearer|Basic) /i, '')]),
    ...(proxy === null ? [] : secretsOf(proxy)),
  ];
  return { url, target, shownUrl: shownJoined(new URL(written), query), secret, previousSecret, headers, proxy, masked };
}
