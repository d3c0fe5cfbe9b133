import { Type } from 'typebox';
import type { Static } from 'typebox';
import { invalid } from '../../errors.ts';
import { cursorCharactersMax, decodeCursor, pageLimitDefault, pageLimitMax } from '../../http/paging.ts';
import { isUuid } from '../../identifiers.ts';
import { parseTimestamp } from '../../timestamps.ts';
import { orderedKeysFrom, parseVersion, versionCharactersMax } from '../version.ts';

const text = (charactersMax: number, description: string) =>
  // PostgreSQL has no text with NUL in it, so nothing can match one.
  Type.Optional(Type.String({ maxLength: charactersMax, pattern: '^[^\\u0000]*$', description }));

/** The parameters of `GET /security/report/list` (report API contract, section 3). Others are passed over. */
export const ListParameters = Type.Object({
  org: Type.String({ description: 'Organization ID.' }),
  version: Type.Optional(
    Type.String({ description: 'The exact product version. At least one of `version`, `minver`, `maxver` must be given.' }),
  ),
  minver: Type.Optional(Type.String({ description: 'The lowest product version, inclusive.' })),
  maxver: Type.Optional(Type.String({ description: 'The highest product version, inclusive.' })),
  project: text(400, 'Only this project, by its key.'),
  type: text(200, 'Only reports of this type, such as `CWE Top 25`.'),
  edition: Type.Optional(Type.Integer({ minimum: 0, maximum: 9999, description: 'Only reports of this edition of the standard.' })),
  branch: text(400, 'Only this branch; empty: reports without one.'),
  rating: Type.Optional(
    Type.Union(
      ['A', 'B', 'C', 'D', 'E', 'none'].map((rating) => Type.Literal(rating)),
      { description: 'Only this rating; `none`: not assessed.' },
    ),
  ),
  since: Type.Optional(Type.String({ description: 'Only analyses from this time on: RFC 3339, or a day in UTC.' })),
  until: Type.Optional(Type.String({ description: 'Only analyses up to this time, inclusive: RFC 3339, or a day in UTC.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: pageLimitMax, default: pageLimitDefault, description: 'Reports of a page.' })),
  cursor: Type.Optional(Type.String({ maxLength: cursorCharactersMax, description: 'As the `Link` header of the page before says.' })),
});

/** The key of a page's last report: the next page begins behind it. */
export interface Position {
  readonly versionKey: string;
  readonly date: number;
  readonly id: string;
}

/** What the list is narrowed to beside versions. Undefined: not. */
export interface ListFilters {
  /** The project's key. */
  readonly project?: string | undefined;
  readonly type?: string | undefined;
  readonly edition?: number | undefined;
  readonly branch?: string | undefined;
  readonly rating?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** Version keys, both inclusive. Nothing matches where `from` is above `to`. */
export interface VersionRange {
  readonly from: string;
  readonly to: string;
}

export interface ListQuery {
  readonly organization: string;
  readonly versions: VersionRange;
  /** Asked for where `versions` matches nothing: the other reading of a blank in `version`, null where there is none. */
  readonly otherVersions: VersionRange | null;
  readonly filters: ListFilters;
  readonly limit: number;
  readonly after: Position | null;
}

/** Every ordered version's key is below it. */
const orderedKeysTo = String.fromCharCode(orderedKeysFrom.charCodeAt(0) + 1);

/** Reads the parameters. Each refusal is a 400 with a code of its own. */
export function readListQuery(given: Static<typeof ListParameters>): ListQuery {
  const organization = organizationOf(given.org);
  const versions = versionRange(given);
  const plus = given.version === undefined ? null : withPlus(given.version);
  const { project, type, edition, branch, rating } = given;
  const since = given.since === undefined ? undefined : timeOf('since', given.since);
  const until = given.until === undefined ? undefined : timeOf('until', given.until);
  return {
    organization,
    versions,
    otherVersions: plus === null ? null : versionRange({ ...given, version: plus }),
    filters: { project, type, edition, branch, rating, since, until },
    limit: given.limit ?? pageLimitDefault,
    after: given.cursor === undefined ? null : positionOf(given.cursor),
  };
}

/** Any UUID, in lower case as the database has it. Fails with `invalid_organization`. */
export function organizationOf(text: string): string {
  if (!isUuid(text)) throw invalid('invalid_organization', 'org is no organization ID: it must be a UUID.', { parameter: 'org' });
  return text.toLowerCase();
}

interface GivenVersions {
  readonly version?: string | undefined;
  readonly minver?: string | undefined;
  readonly maxver?: string | undefined;
}

function versionRange(given: GivenVersions): VersionRange {
  const version = keyOf('version', given.version);
  const lowest = keyOf('minver', given.minver);
  const highest = keyOf('maxver', given.maxver);
  if (version === null && lowest === null && highest === null) {
    throw invalid('version_missing', 'At least one of version, minver and maxver must be given.', {
      parameters: ['version', 'minver', 'maxver'],
    });
  }
  if (lowest !== null && highest !== null && lowest > highest) {
    throw invalid('invalid_version_range', 'minver is above maxver.', { parameters: ['minver', 'maxver'] });
  }
  const from = lowest ?? orderedKeysFrom;
  const to = highest ?? orderedKeysTo;
  if (version === null) return { from, to };
  // Without a range the version alone decides, and may then be a text.
  if (lowest === null && highest === null) return { from: version, to: version };
  return { from: version > from ? version : from, to: version < to ? version : to };
}

function keyOf(name: keyof GivenVersions, given: string | undefined): string | null {
  if (given === undefined) return null;
  if (given === '') throw invalid('invalid_version', `${name} is empty.`, { parameter: name });
  if (given.length > versionCharactersMax || given.includes('\0')) {
    throw invalid('invalid_version', `${name} has more than ${versionCharactersMax} characters, or a NUL.`, { parameter: name });
  }
  if (name === 'version') return parseVersion(given).key;
  const version = parseVersion(given);
  if (version.ordered) return version.key;
  throw invalid('invalid_version', `${name} is no version that has an order, such as 1.2.0 or 2.0.0-rc.1.`, { parameter: name });
}

/**
 * A plus sign that a caller did not percent-encode reads as a blank (`1.0.0 5`). Answers the text with the plus where it is a version then,
 * else null. `version` may be a text with a blank in it, which comes first.
 */
function withPlus(given: string): string | null {
  if (!given.includes(' ')) return null;
  const text = given.replace(' ', '+');
  return parseVersion(text).ordered ? text : null;
}

const day = /^\d{4}-\d{2}-\d{2}$/;
const dayMs = 24 * 60 * 60 * 1000;

function timeOf(name: 'since' | 'until', given: string): number {
  const isDay = day.test(given);
  // An offset's `+` reads as a blank where it was not percent-encoded.
  const time = parseTimestamp(isDay ? `${given}T00:00:00Z` : given.replace(/ (\d\d:?\d\d)$/, '+$1'));
  if (time === null)
    throw invalid('invalid_time', `${name} is no time: write it as 2025-12-17T09:05:48Z or 2025-12-17.`, { parameter: name });
  return isDay && name === 'until' ? time.ms + dayMs - 1 : time.ms;
}

function positionOf(cursor: string): Position {
  const [versionKey, date, id] = decodeCursor(cursor, 3);
  if (typeof versionKey === 'string' && typeof date === 'number' && typeof id === 'string' && isPosition(versionKey, date, id)) {
    return { versionKey, date, id };
  }
  throw invalid('invalid_cursor', 'The cursor is not one of ours. Follow the Link header of the page before.');
}

function isPosition(versionKey: string, date: number, id: string): boolean {
  return Number.isSafeInteger(date) && isUuid(id) && !versionKey.includes('\0') && versionKey.isWellFormed();
}
