import { invalid } from '../../errors.ts';
import { mask, maskUrl } from './url.ts';

export const sensitiveQueryCharactersMax = 2_000;
/** What stands for the sensitive query string wherever a URL is shown that was sent with one. */
export const queryPlaceholder = '{sensitive_query_string_placeholder}';

/**
 * The sensitive query string as it is kept: as it was written, without the one `?` or `&` that it may begin with. Null: nothing is left, so there
 * is none. Fails with `invalid_sensitive_query`; the message never repeats it.
 */
export function checkedQuery(text: string): string | null {
  const wrong = (what: string) => invalid('invalid_sensitive_query', `The sensitive query string ${what}`, { field: 'sensitiveQuery' });
  // Where a URL has a fragment, whatever stands behind it would never be sent.
  if (text.includes('#')) throw wrong('holds a #: what stands behind it would never be sent. As part of a value it is written %23.');
  if (/[\s\u0000-\u001f\u007f]/.test(text) || !text.isWellFormed()) throw wrong('holds a blank or a control character.');
  if (text.includes(queryPlaceholder) || text.includes(mask))
    throw wrong('holds what stands for a secret that is not shown: give it whole.');
  const rest = text.replace(/^[?&]/, '');
  if (rest.length > sensitiveQueryCharactersMax) throw wrong(`is longer than ${sensitiveQueryCharactersMax} characters.`);
  return rest === '' ? null : rest;
}

/** Where a webhook with a sensitive query string is sent: its URL with that behind it, joined by `&` where the URL has a query of its own. */
export function joined(url: string, query: string | null): string {
  if (query === null) return url;
  return `${url}${/[?&]$/.test(url) ? '' : url.includes('?') ? '&' : '?'}${query}`;
}

/** The same as it may be shown and logged. */
export function shownJoined(url: URL, query: string | null): string {
  const shown = maskUrl(url);
  return query === null ? shown : `${shown}${shown.includes('?') ? '&' : '?'}${queryPlaceholder}`;
}
