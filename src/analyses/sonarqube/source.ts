import { randomBytes } from 'node:crypto';
import { invalid } from '../../errors.ts';
import type { VersionFrom } from './fetch/fetch.ts';

/** How a source is used; what a person sets. */
export interface SourceSettings {
  /** Where a version comes from where the scanner gave none. */
  readonly versionFrom: VersionFrom;
  /** Keys of the projects that are taken in, each the whole key or the beginning of it; empty: all. */
  readonly projects: readonly string[];
}

export const settingsDefault: SourceSettings = { versionFrom: 'property', projects: [] };
export const versionFroms = ['property', 'tag', 'revision'] as const;

/** A SonarQube server that tells an organization of analyses. Its token and secrets are not part of it. */
export interface Source {
  readonly id: string;
  readonly organization: string;
  readonly kind: 'sonarqube';
  readonly name: string;
  /** The base URL over there, with its path and without a slash at the end. */
  readonly url: string;
  readonly tokenTail: string;
  readonly secretTail: string;
  /** Until when the old secret counts beside the new one; null: it does not. */
  readonly overlapUntil: number | null;
  /** PEM of a private authority, or null. */
  readonly ca: string | null;
  readonly settings: SourceSettings;
  /** Key of the webhook that was made over there, or null. */
  readonly webhook: string | null;
  /** `unchecked`, `ok`, or what is wrong: a stable code. */
  readonly state: string;
  readonly stateSince: number;
  readonly stateMessage: string | null;
  /** What the last check found, as it wrote it down; null before. */
  readonly facts: Readonly<Record<string, unknown>> | null;
  readonly checked: number | null;
  readonly caughtUp: number | null;
  readonly nextCatchUp: number;
  readonly lastReceived: number | null;
  readonly created: number;
  readonly updated: number;
  readonly revision: number;
}

/** A source as whoever speaks to its server needs it: in memory alone, and only while it is used. */
export interface OpenSource extends Source {
  readonly token: string;
  readonly secret: string;
}

export const sourcesOfOrganizationMax = 100;
export const sourceUrlCharactersMax = 2_000;
export const sourceTokenCharactersMax = 512;
/** SonarQube's own limits on the secret of a webhook (its contract, section 4). */
export const sourceSecretCharactersMin = 16;
export const sourceSecretCharactersMax = 200;
export const projectFiltersMax = 1_000;
/** How long both secrets count unless told otherwise, and at most. */
export const overlapDefault = '24h';
export const overlapMsMax = 30 * 86_400_000;
const secretBytes = 32;
const tailCharacters = 4;
/** Shorter secrets show no tail: it would be too much of them. */
const tailOfSecretsFrom = 16;

/** Where the sealed texts of a source belong, so that one that was moved to another row or column does not open. */
export function sealedIn(source: string) {
  return { token: `sources/${source}/token`, secret: `sources/${source}/secret`, previousSecret: `sources/${source}/previous_secret` };
}

/** The path that SonarQube sends its webhooks to. */
export function ingestPath(source: string): string {
  return `/ingest/sonarqube/${source}`;
}

/**
 * The rules of a source's URL: absolute, http or https, no user and password (the token is what is shown over there), no query, no fragment. The
 * path is kept, slashes at its end are not. Fails with `invalid_url`; the message never repeats the URL.
 */
export function checkedSourceUrl(text: string): string {
  const wrong = (what: string) => invalid('invalid_url', `The URL ${what}`, { field: 'url' });
  if (text.length > sourceUrlCharactersMax) throw wrong(`is longer than ${sourceUrlCharactersMax} characters.`);
  // The URL parser passes over blanks and line ends, and takes a backslash for a slash: a person who wrote one meant something else.
  if (/[\s\\\u0000-\u001f\u007f]/.test(text)) throw wrong('holds a blank, a control character or a backslash.');
  const url = URL.parse(text);
  if (url === null) throw wrong('is not an absolute URL.');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong('must begin with http:// or https://.');
  if (!/^https?:\/\/[^/]/i.test(text)) throw wrong('names no host.');
  if (
    url.username !== '' ||
    url.password !== '' ||
    text
      .slice(text.indexOf('//') + 2)
      .split('/')[0]
      ?.includes('@') === true
  ) {
    throw wrong('holds a user or a password: give the token in its own field.');
  }
  if (text.includes('?') || text.includes('#')) throw wrong('has a query or a fragment: it is the base that the calls are put behind.');
  if (url.port === '0') throw wrong('has port 0, which is no port that can be reached.');
  return url.href.replace(/\/+$/, '');
}

/** A token of SonarQube is visible ASCII; a colon would end it where it is sent as a user's name. Fails with `invalid_token_text`. */
export function checkedSourceToken(token: string): string {
  if (token.length > sourceTokenCharactersMax || !/^[\x21-\x39\x3b-\x7e]+$/.test(token)) {
    throw invalid('invalid_token_text', `A token has 1 to ${sourceTokenCharactersMax} visible ASCII characters, no blank and no colon.`, {
      field: 'token',
    });
  }
  return token;
}

/** A secret as SonarQube takes it for a webhook. Blanks alone would be taken over there, and then no delivery would work. Fails with `invalid_secret`. */
export function checkedSourceSecret(secret: string): string {
  const { length } = secret;
  const fits = length >= sourceSecretCharactersMin && length <= sourceSecretCharactersMax;
  // Over there values are trimmed: what signs would be another text.
  if (!fits || secret.trim() !== secret || /\p{Cc}/u.test(secret) || !secret.isWellFormed()) {
    throw invalid(
      'invalid_secret',
      `A secret has ${sourceSecretCharactersMin} to ${sourceSecretCharactersMax} characters, without control characters and without blanks around it.`,
      { field: 'secret' },
    );
  }
  return secret;
}

/** Beginnings of project keys, each once. Fails with `invalid_project_filter`. */
export function checkedProjectFilters(filters: readonly string[]): readonly string[] {
  const bad = filters.find((filter) => !/^[A-Za-z0-9_.:-]{1,400}$/.test(filter));
  if (bad === undefined && filters.length <= projectFiltersMax) return [...new Set(filters)];
  throw invalid(
    'invalid_project_filter',
    `At most ${projectFiltersMax} keys or beginnings of keys, each 1 to 400 ASCII letters, digits, "-", "_", "." or ":".`,
    { field: 'projects' },
  );
}

/** Whether a source's settings let this project in. */
export function takesProject({ projects }: SourceSettings, key: string): boolean {
  return projects.length === 0 || projects.some((beginning) => key.startsWith(beginning));
}

/** A secret of our own making; the form is one that logs recognise and mask. */
export function generateSourceSecret(): string {
  return `whsec_${randomBytes(secretBytes).toString('base64url')}`;
}

/** The last characters of a secret, to recognise it by. Empty for one so short that they would give it away. */
export function tailOfSecret(secret: string): string {
  return secret.length < tailOfSecretsFrom ? '' : secret.slice(-tailCharacters);
}

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `24h`, `30m`, `0s` in milliseconds. Fails with `invalid_overlap`. */
export function parseSourceOverlap(text: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  const ms = Number(match?.[1]) * (unitsMs[match?.[2] ?? ''] ?? Number.NaN);
  if (ms <= overlapMsMax) return ms;
  throw invalid('invalid_overlap', 'The overlap is a duration such as 24h, 30m or 0s, of at most 30d.', { field: 'overlap' });
}
