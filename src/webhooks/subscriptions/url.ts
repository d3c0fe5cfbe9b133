import { invalid } from '../../errors.ts';

export const urlCharactersMax = 2_000;
/** What stands for something that is not shown. */
export const mask = '***';
/** A value shorter than this is not looked for in what a receiver answers: it would be found everywhere. */
const secretCharactersMin = 4;

/**
 * The rules of a webhook's URL: absolute, http or https, no fragment (it would never be sent). A user and a password are allowed, they go out as
 * Basic authorization. Answers the URL in its normal form. Fails with `invalid_url`; the message never repeats the URL.
 */
export function parseWebhookUrl(text: string): URL {
  if (text.length > urlCharactersMax) throw invalid('invalid_url', `The URL is longer than ${urlCharactersMax} characters.`);
  // The URL parser passes over blanks and line ends, and takes a backslash for a slash: a person who wrote one meant something else.
  if (/[\s\\\u0000-\u001f\u007f]/.test(text)) throw invalid('invalid_url', 'The URL holds a blank, a control character or a backslash.');
  const url = URL.parse(text);
  if (url === null) throw invalid('invalid_url', 'The URL is not an absolute URL.');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid('invalid_url', 'The URL must begin with http:// or https://.');
  if (!/^https?:\/\/[^/]/i.test(text)) throw invalid('invalid_url', 'The URL names no host.');
  if (text.includes('#')) throw invalid('invalid_url', 'The URL has a fragment, which would never be sent.');
  if (url.port === '0') throw invalid('invalid_url', 'Port 0 is no port that can be reached.');
  return url;
}

/** Whether a URL holds what must not lie or be shown in clear: a user, a password, a query. */
export function hasSecrets(url: URL): boolean {
  return url.username !== '' || url.password !== '' || url.search !== '';
}

/** The URL as it may be shown and logged: no user, no password, no value of its query. */
export function maskUrl(url: URL): string {
  const user = url.username === '' && url.password === '' ? '' : `${mask}@`;
  const query = url.search
    .slice(1)
    .split('&')
    .filter((part) => part !== '')
    // What has no equals sign may be a secret as a whole.
    .map((part) => (part.includes('=') ? `${part.slice(0, part.indexOf('='))}=${mask}` : mask));
  return `${url.protocol}//${user}${url.host}${url.pathname}${query.length === 0 ? '' : `?${query.join('&')}`}`;
}

/** `Authorization` for the URL's user and password, or null. */
export function basicAuthorization(url: URL): string | null {
  if (url.username === '' && url.password === '') return null;
  return `Basic ${Buffer.from(`${decoded(url.username)}:${decoded(url.password)}`, 'utf8').toString('base64')}`;
}

/** The texts that a receiver could throw back at us and that must then be masked, the longest first. */
export function secretsOf(url: URL): readonly string[] {
  const texts = [basicAuthorization(url)?.slice('Basic '.length) ?? '', url.password, decoded(url.password), url.search.slice(1)];
  for (const part of url.search.slice(1).split('&')) {
    const value = part.slice(part.indexOf('=') + 1);
    texts.push(value, decoded(value.replaceAll('+', ' ')));
  }
  return [...new Set(texts)].filter((text) => text.length >= secretCharactersMin).sort((a, b) => b.length - a.length);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that encodes nothing stands for itself.
    return text;
  }
}
