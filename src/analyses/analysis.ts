import { invalid } from '../errors.ts';
import type { Timestamp } from '../timestamps.ts';
import { parseTimestamp } from '../timestamps.ts';

/** What whoever sends an analysis says about it. */
export interface AnalysisRequest {
  readonly version: string;
  /** Null: not told. One of its own for reports: neither `main` nor any other. */
  readonly branch: string | null;
  readonly revision: string | null;
  /** Of a project that is made by this analysis. */
  readonly projectName: string | null;
  /** Null: when it comes in. */
  readonly date: Timestamp | null;
  /** `sonar.analysis.*`, as they came. */
  readonly properties: Readonly<Record<string, string>>;
}

export const versionCharactersMax = 255;
export const branchCharactersMax = 255;
export const revisionCharactersMax = 255;
export const propertiesMax = 100;
export const propertyNameCharactersMax = 200;
export const propertyCharactersMax = 4000;
/** How far ahead of our clock an analysis may be dated: one that is dated wrongly would hide all that follow it. */
export const aheadMsMax = 24 * 3_600_000;

export const propertyPrefix = 'sonar.analysis.';
const known: ReadonlySet<string> = new Set(['version', 'branch', 'revision', 'name', 'date']);

export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Reads the parameters of an analysis. Fails with `missing_version`, `invalid_version`, `invalid_branch`, `invalid_revision`, `invalid_name`,
 * `invalid_date`, `invalid_property`, `unknown_parameter`, or `repeated_parameter`, each naming the parameter.
 */
export function parseAnalysisRequest(query: Query, now: number): AnalysisRequest {
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(query)) {
    if (typeof value === 'object')
      throw invalid('repeated_parameter', `The parameter ${name} was given more than once.`, { parameter: name });
    if (name.startsWith(propertyPrefix)) properties[name] = checkedProperty(name, value ?? '');
    else if (!known.has(name)) throw invalid('unknown_parameter', `There is no parameter ${name}.`, { parameter: name });
  }
  if (Object.keys(properties).length > propertiesMax) {
    throw invalid('invalid_property', `An analysis has at most ${propertiesMax} properties.`, { parameter: propertyPrefix });
  }
  const version = textOf(query, 'version', versionCharactersMax);
  if (version === null) throw invalid('missing_version', 'The parameter version is required: which version of the product was analysed.');
  return {
    version,
    branch: textOf(query, 'branch', branchCharactersMax),
    revision: textOf(query, 'revision', revisionCharactersMax),
    projectName: textOf(query, 'name', nameCharactersMax),
    date: dateOf(query, now),
    properties,
  };
}

/** Characters of a project's name. */
const nameCharactersMax = 500;

function textOf(query: Query, name: string, charactersMax: number): string | null {
  const value = query[name];
  if (typeof value !== 'string') return null;
  // A version is shown as it came; blanks around anything else are a slip.
  const text = name === 'version' ? value : value.trim();
  if (text.trim() === '' || text.length > charactersMax || hasControls(text)) {
    throw invalid(`invalid_${name}`, `The parameter ${name} has 1 to ${charactersMax} characters and no control characters.`, {
      parameter: name,
    });
  }
  return text;
}

function dateOf(query: Query, now: number): Timestamp | null {
  const value = query['date'];
  if (typeof value !== 'string') return null;
  // A `+` that was not escaped in the query arrives as a blank.
  const date = parseTimestamp(value.replace(/ (\d{2}:?\d{2})$/, '+$1'));
  if (date === null)
    throw invalid('invalid_date', 'The parameter date is no RFC 3339 date and time, such as 2026-01-31T12:00:00+00:00.', {
      parameter: 'date',
    });
  if (date.ms > now + aheadMsMax)
    throw invalid('invalid_date', 'The parameter date is more than a day ahead of this server.', { parameter: 'date' });
  return date;
}

function checkedProperty(name: string, value: string): string {
  if (
    name.length > propertyNameCharactersMax ||
    value.length > propertyCharactersMax ||
    name === propertyPrefix ||
    name.includes('\0') ||
    value.includes('\0')
  ) {
    throw invalid(
      'invalid_property',
      `A property has a name of at most ${propertyNameCharactersMax} characters and a value of at most ${propertyCharactersMax}.`,
      {
        parameter: name.slice(0, propertyNameCharactersMax),
      },
    );
  }
  return value.toWellFormed();
}

/** Control characters would break log lines and file names; lone surrogates cannot be stored as UTF-8. */
function hasControls(text: string): boolean {
  return /[\p{Cc}\p{Cs}]/u.test(text);
}
