import { invalid } from '../../errors.ts';

export const urlCharactersMax = 2_000;
/** What stands for something that is not shown. */
export const mask = '***';

/** A part of a path that is longer than this is not shown. */
export const readableCharactersMax = 15;
/** Of the last part that is not shown, so many characters are, if it is so long that they give nothing away. */
const tailCharacters = 4;
const tailOfPartsFrom = 16;

/**
 * The rules of a webhook's URL: absolute, http or https, no fragment (it would never be sent). A user and a password are allowed, they go out as
 * Basic authorization. Answers the URL in its normal form. Fails with `invalid_url`; the message never repeats the URL.
 */
export function parseWebhookUrl(text: string): URL {
  const wrong = (what: string) => invalid('invalid_url', `The URL ${what}`, { field: 'url' });
  if (text.length > urlCharactersMax) throw wrong(`is longer than ${urlCharactersMax} characters.`);
  // The URL parser passes over blanks and line ends, and takes a backslash for a slash: a person who wrote one meant something else.
  if (/[\s\\\u0000-\u001f\u007f]/.test(text)) throw wrong('holds a blank, a control character or a backslash.');
  if (text.includes(mask)) throw wrong(`holds ${mask} where a secret was not shown: give it whole.`);
  const url = URL.parse(text);
  if (url === null) throw wrong('is not an absolute URL.');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong('must begin with http:// or https://.');
  if (!/^https?:\/\/[^/]/i.test(text)) throw wrong('names no host.');
  if (text.includes('#')) throw wrong('has a fragment, which would never be sent.');
  if (url.port === '0') throw wrong('has port 0, which is no port that can be reached.');
  return url;
}

/**
 * The URL as it may be shown and logged: no user, no password, no value of its query, and of its path the plain words alone. The path of a URL
 * that a chat system gives out is the secret itself; the end of the last part that is not shown tells such URLs apart.
 */
export function maskUrl(url: URL): string {
  const user = url.username === '' && url.password === '' ? '' : `${mask}@`;
  const query = url.search
    .slice(1)
    .split('&')
    .filter((part) => part !== '')
    // What has no equals sign may be a secret as a whole.
    .map((part) => (part.includes('=') ? `${part.slice(0, part.indexOf('='))}=${mask}` : mask));
  return `${url.protocol}//${user}${url.host}${maskPath(url.pathname)}${query.length === 0 ? '' : `?${query.join('&')}`}`;
}

function maskPath(path: string): string {
  const parts = path.split('/');
  const last = parts.findLastIndex((part) => !isReadable(part));
  return parts
    .map((part, index) => {
      if (isReadable(part)) return part;
      return index === last && part.length >= tailOfPartsFrom ? mask + part.slice(-tailCharacters) : mask;
    })
    .join('/');
}

/**
 * Whether a part of a path may be shown: at most `readableCharactersMax` characters, made of words with `-`, `_` or `.` between. A word is letters
 * as people write them (`hook`, `API`, `incomingHook`), never five consonants in a row, with at most two digits behind it.
 */
function isReadable(part: string): boolean {
  if (part === '') return true;
  if (part.length > readableCharactersMax || /[b-df-hj-np-tv-xz]{5}/i.test(part)) return false;
  return part.split(/[-_.]/).every((word) => /^(?:[a-z]+(?:[A-Z][a-z]{2,})*|(?:[A-Z][a-z]{2,})+|[A-Z]+)\d{0,2}$/.test(word));
}

/** `Authorization` for the URL's user and password, or null. */
export function basicAuthorization(url: URL): string | null {
  if (url.username === '' && url.password === '') return null;
  return `Basic ${Buffer.from(`${decoded(url.username)}:${decoded(url.password)}`, 'utf8').toString('base64')}`;
}

/** The texts of a URL that a receiver could throw back at us and that must then be masked. */
export function secretsOf(url: URL): readonly string[] {
  return [
    basicAuthorization(url)?.slice('Basic '.length) ?? '',
    url.password,
    decoded(url.password),
    ...secretsOfTarget(requestTarget(url.href)),
  ];
}

/** The same of a path and query as they are sent. */
export function secretsOfTarget(target: string): readonly string[] {
  const [path = '', ...query] = target.split('?');
  const parts = path.split('/').filter((part) => !isReadable(part));
  return [...parts.flatMap((part) => [part, decoded(part)]), ...secretsOfQuery(query.join('?'))];
}

/** The same of a query. */
export function secretsOfQuery(query: string): readonly string[] {
  const values = query.split('&').map((part) => part.slice(part.indexOf('=') + 1));
  return [query, ...values].flatMap((text) => [text, decoded(text), decoded(text.replaceAll('+', ' '))]);
}

/**
 * Path and query as a webhook's URL has them, character by character: what a URL parser would write in another way, such as `/a/../b` or a quote in
 * the query, may be what a signature was made over. Only what is not ASCII is percent-encoded, as UTF-8, since HTTP knows no other way.
 */
export function requestTarget(text: string): string {
  const written = text.replace(/^https?:\/\/[^/?#]*/i, '');
  const rooted = written.startsWith('/') ? written : `/${written}`;
  return rooted.toWellFormed().replaceAll(/[^\u0021-\u007e]+/g, encodeURIComponent);
}

/** Percent-decoded as UTF-8. A percent sign that encodes nothing stands for itself. */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}
