import { invalid } from '../../errors.ts';

/** Headers added to what one webhook is sent; the settings for all may add as many again. */
export const addedHeadersMax = 20;
export const headerNameCharactersMax = 100;
export const headerValueCharactersMax = 2_000;
/** Names and values together: many receivers refuse requests whose headers are beyond 8 KiB, and ours need room as well. */
export const addedHeaderCharactersMax = 4_000;

/** HTTP's own, which follow from the request and the connection, and ours. */
const reserved: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);
/** Beginnings that dialects and signatures use, and what speaks to a proxy. */
const reservedBeginnings = [
  'webhook-',
  'x-gatepost-',
  'x-sonar',
  'x-securesourcemanager-',
  'x-gitea-',
  'x-gogs-',
  'x-github-',
  'x-hub-signature',
  'proxy-',
] as const;

/**
 * The rules of headers that people add: at most `addedHeadersMax`, names that HTTP allows and that neither HTTP nor we set ourselves, values of
 * visible ASCII. Answers them with names in lower case. Where the URL holds a user, `authorization` is its own and not to be added. Fails with
 * `too_many_headers`, `invalid_header_name`, `reserved_header`, `duplicate_header`, `invalid_header_value` or `headers_too_large`; a message
 * never repeats a value, which may be a secret.
 */
export function checkedHeaders(given: Readonly<Record<string, string>>, url?: URL): Readonly<Record<string, string>> {
  const entries = Object.entries(given);
  if (entries.length > addedHeadersMax) throw invalid('too_many_headers', `There may be at most ${addedHeadersMax} added headers.`);
  const checked = new Map<string, string>();
  let characters = 0;
  for (const [given, value] of entries) {
    const name = checkedName(given, url);
    if (checked.has(name)) throw invalid('duplicate_header', `The header ${name} is there twice.`, { header: name });
    checked.set(name, checkedValue(name, value));
    characters += name.length + value.length;
  }
  if (characters > addedHeaderCharactersMax) {
    throw invalid('headers_too_large', `Added headers hold more than ${addedHeaderCharactersMax} characters in all.`);
  }
  return Object.fromEntries(checked);
}

function checkedName(given: string, url: URL | undefined): string {
  const name = given.toLowerCase();
  if (name.length > headerNameCharactersMax || !/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) {
    throw invalid('invalid_header_name', `A header's name is 1 to ${headerNameCharactersMax} letters, digits and signs such as - or _.`);
  }
  if (isOfUrl(name, url) || reserved.has(name) || reservedBeginnings.some((beginning) => name.startsWith(beginning))) {
    throw invalid('reserved_header', `The header ${name} is set by the server and cannot be added.`, { header: name });
  }
  return name;
}

function checkedValue(name: string, value: string): string {
  // No blank at either end: receivers cut it off, so that it would not be what was set.
  const wellFormed = /^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/.test(value);
  if (value.length > headerValueCharactersMax || !wellFormed) {
    throw invalid('invalid_header_value', `The value of ${name} must be 1 to ${headerValueCharactersMax} visible ASCII characters.`, {
      header: name,
    });
  }
  return value;
}

/**
 * Both kinds of added headers as one list (name, value, name, value): those of the settings, and a webhook's own, which go first where both have
 * one. Where the URL holds a user, the `authorization` that follows from it is the only one.
 */
export function addedHeaderList(
  forAll: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
  url?: URL,
): readonly string[] {
  const both = Object.entries({ ...forAll, ...own });
  return both.filter(([name]) => !isOfUrl(name, url)).flat();
}

function isOfUrl(name: string, url: URL | undefined): boolean {
  return name === 'authorization' && url !== undefined && (url.username !== '' || url.password !== '');
}
