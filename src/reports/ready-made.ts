import { createHash } from 'node:crypto';
import type { GatepostError } from '../errors.ts';
import { invalid } from '../errors.ts';
import type { Timestamp } from '../timestamps.ts';
import { parseTimestamp } from '../timestamps.ts';
import type { Rating } from './report.ts';
import type { SnapshotFile } from './record.ts';
import { versionCharactersMax } from './version.ts';

/** What is said about a report that another system made: the list's field names, and where it belongs. */
export interface ReadyMadeMetadata {
  readonly projectKey: string;
  readonly projectName: string | null;
  readonly branch: string;
  readonly revision: string | null;
  /** BCP 47; kept with the report, shown nowhere in the list. */
  readonly language: string | null;
  readonly type: string;
  readonly edition: number;
  readonly version: string;
  /** Null: when it comes in. */
  readonly date: Timestamp | null;
  readonly count: number;
  readonly rating: Rating | null;
}

export const metadataBytesMax = 64 * 1024;
export const readyMadeFilesMax = 50;
export const fileNameCharactersMax = 200;
export const reportTypeCharactersMax = 100;
export const editionMax = 9999;
const textCharactersMax = 255;

const fields: ReadonlySet<string> = new Set([
  'projectName',
  'projectKey',
  'branch',
  'revision',
  'language',
  'reportType',
  'reportVersion',
  'projectVersion',
  'date',
  'vulnerabilitiesCount',
  'securityRating',
]);

/** Reads the `metadata` part. Fails with `invalid_metadata`, naming the field. */
export function parseMetadata(text: string, now: number): ReadyMadeMetadata {
  const given = objectOf(text);
  const unknown = Object.keys(given).find((name) => !fields.has(name));
  if (unknown !== undefined) throw refused(unknown, 'is no field of a report');
  const string = (name: string, charactersMax = textCharactersMax): string | null => textOf(given[name], name, charactersMax);
  const required = (name: string, charactersMax = textCharactersMax): string => {
    const value = string(name, charactersMax);
    if (value === null) throw refused(name, 'is required');
    return value;
  };
  const rating = ratingOf(given['securityRating']);
  const count = integerOf(given['vulnerabilitiesCount'], 'vulnerabilitiesCount', Number.MAX_SAFE_INTEGER);
  if (rating === null && count !== 0)
    throw refused('vulnerabilitiesCount', 'must be 0 where securityRating is null: what was not assessed has no count');
  return {
    projectKey: required('projectKey', 400),
    projectName: string('projectName'),
    branch: string('branch') ?? '',
    revision: string('revision'),
    language: string('language', 35),
    type: required('reportType', reportTypeCharactersMax),
    edition: integerOf(given['reportVersion'], 'reportVersion', editionMax),
    version: required('projectVersion', versionCharactersMax),
    date: dateOf(string('date'), now),
    count,
    rating,
  };
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('invalid_metadata', 'The part metadata is not JSON.', { field: 'metadata' });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('invalid_metadata', 'The part metadata is no JSON object.', { field: 'metadata' });
  }
  return value as Readonly<Record<string, unknown>>;
}

function refused(field: string, why: string): GatepostError {
  return invalid('invalid_metadata', `metadata.${field.slice(0, 100)} ${why}.`, { field: field.slice(0, 100) });
}

function textOf(value: unknown, name: string, charactersMax: number): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string' || value.trim() === '' || value.length > charactersMax || /[\p{Cc}\p{Cs}]/u.test(value)) {
    throw refused(name, `must be a text of 1 to ${charactersMax} characters without control characters`);
  }
  return value.trim();
}

function integerOf(value: unknown, name: string, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max)
    throw refused(name, `must be a whole number from 0 to ${max}`);
  return value;
}

function ratingOf(value: unknown): Rating | null {
  if (value === null || value === undefined) return null;
  if (value === 'A' || value === 'B' || value === 'C' || value === 'D' || value === 'E') return value;
  throw refused('securityRating', 'must be "A" to "E", or null where nothing was assessed');
}

const aheadMsMax = 24 * 3_600_000;

function dateOf(text: string | null, now: number): Timestamp | null {
  if (text === null) return null;
  const date = parseTimestamp(text);
  if (date === null) throw refused('date', 'must be RFC 3339, such as 2026-01-31T12:00:00+00:00');
  if (date.ms > now + aheadMsMax) throw refused('date', 'is more than a day ahead of this server');
  return date;
}

const mediaTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  htm: 'text/html; charset=utf-8',
  pdf: 'application/pdf',
  json: 'application/json',
  sarif: 'application/sarif+json',
  csv: 'text/csv; charset=utf-8',
  xml: 'application/xml',
  txt: 'text/plain; charset=utf-8',
  md: 'text/plain; charset=utf-8',
  zip: 'application/zip',
  gz: 'application/gzip',
};
/** What is packed already is kept as it is. */
const packed: ReadonlySet<string> = new Set(['pdf', 'zip', 'gz', 'png', 'jpg', 'jpeg', 'webp', 'xlsx', 'docx', '7z']);

function extensionOf(name: string): string {
  return /\.([A-Za-z0-9]{1,8})$/.exec(name)?.[1]?.toLowerCase() ?? '';
}

/** The type is told from the name alone: what the sender claims is not shown to a browser. */
export function mediaTypeOf(name: string): string {
  return mediaTypes[extensionOf(name)] ?? 'application/octet-stream';
}

export function isPacked(name: string): boolean {
  return packed.has(extensionOf(name));
}

/** A file's own name, without any folder. Fails with `invalid_file_name`. */
export function checkedFileName(name: string | undefined): string {
  const own = (name ?? '').replaceAll('\\', '/').split('/').at(-1)?.normalize('NFC').trim() ?? '';
  if (own === '' || own === '.' || own === '..' || own.length > fileNameCharactersMax || /[\p{Cc}\p{Cs}]/u.test(own)) {
    throw invalid(
      'invalid_file_name',
      `A file needs a name of 1 to ${fileNameCharactersMax} characters, without folders and control characters.`,
    );
  }
  return own;
}

/** The same metadata and files come to the same hash, so that sending them again changes nothing. */
export function contentOf(metadata: ReadyMadeMetadata, files: readonly SnapshotFile[]): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify({ ...metadata, date: metadata.date?.text ?? null }));
  for (const file of files) hash.update(`\n${JSON.stringify([file.name, file.object.sha256])}`);
  return hash.digest('hex');
}
