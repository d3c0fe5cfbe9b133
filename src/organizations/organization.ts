import { invalid } from '../errors.ts';

/** A standard and edition that an organization wants reports of, such as `OWASP Top 10` 2025. */
export interface StandardChoice {
  readonly type: string;
  readonly edition: number;
}

/** The tenant. Its `id` is what report readers must know, so it stands in no path, log or payload but the report API's. */
export interface Organization {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  /** Of its reports. */
  readonly language: string;
  /** The report API's reads need a token. */
  readonly readsNeedToken: boolean;
  /** Null: the newest edition of each. */
  readonly standards: readonly StandardChoice[] | null;
  /** Who is told by mail of webhooks that do not work. */
  readonly mailTo: readonly string[];
  readonly created: number;
}

export const nameCharactersMax = 200;
export const slugCharactersMax = 40;
export const languageDefault = 'en';

/** A name without blanks around it. Fails with `invalid_name` for an empty or too long one and for control characters. */
export function checkedName(name: string): string {
  const trimmed = name.trim().normalize('NFC');
  if (trimmed === '' || trimmed.length > nameCharactersMax || /\p{Cc}|\p{Cs}/u.test(trimmed)) {
    throw invalid('invalid_name', `A name has 1 to ${nameCharactersMax} characters and no control characters.`, { field: 'name' });
  }
  return trimmed;
}

export const mailAddressesMax = 20;
const mailAddressCharactersMax = 254;

/**
 * Mail addresses, each once. Only what could never be one is refused, and what a mail server could read as something else: the server that it goes
 * to knows best. Fails with `invalid_mail_address` and `too_many_mail_addresses`.
 */
export function checkedMailAddresses(given: readonly string[]): readonly string[] {
  const addresses = [...new Set(given.map((address) => address.trim().normalize('NFC')))];
  if (addresses.length > mailAddressesMax) {
    throw invalid('too_many_mail_addresses', `At most ${mailAddressesMax} addresses are told.`, { field: 'mailTo', max: mailAddressesMax });
  }
  const bad = addresses.find(
    (address) => address.length > mailAddressCharactersMax || !/^[^\s\p{C}@<>()[\]\\,;:"]{1,64}@[^\s\p{C}@<>()[\]\\,;:"]+$/u.test(address),
  );
  if (bad !== undefined) throw invalid('invalid_mail_address', 'This is no mail address.', { field: 'mailTo', value: bad.slice(0, 100) });
  return addresses;
}

/** The slug a name gives: lower-case ASCII letters, digits and single hyphens. A name of other letters alone gives `organization`. */
export function slugOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, slugCharactersMax);
  return plain.replaceAll(/^-+|-+$/g, '') || 'organization';
}

/** The first of `slug`, `slug-2`, `slug-3` … that is not taken. */
export function freeSlug(slug: string, taken: ReadonlySet<string>): string {
  if (!taken.has(slug)) return slug;
  for (let number = 2; ; number += 1) {
    const tail = `-${number}`;
    const candidate = slug.slice(0, slugCharactersMax - tail.length).replace(/-+$/, '') + tail;
    if (!taken.has(candidate)) return candidate;
  }
}
