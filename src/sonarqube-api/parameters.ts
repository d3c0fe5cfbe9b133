import { invalid } from './refusals.ts';

// How SonarQube reads parameters (its contract, section 4): from the query, then from a form; of a name that comes twice the first counts; blanks
// at both ends are cut off, but lengths are measured with them.

export const formBytesMax = 256 * 1024;
const integerMax = 2 ** 31 - 1;
const pageSizeMax = 500;

export interface Lengths {
  readonly min?: number;
  readonly max?: number;
}

export interface Page {
  readonly index: number;
  readonly size: number;
}

export interface Parameters {
  /** Undefined where it did not come; it may be empty. Fails with SonarQube's words where it is too short or too long, or holds NUL. */
  optional(name: string, lengths?: Lengths): string | undefined;
  /** The same where an empty one counts as none. */
  filled(name: string, lengths?: Lengths): string | undefined;
  /** It must have come; it may be empty only where `emptyToo` says so. */
  required(name: string, lengths?: Lengths & { readonly emptyToo?: boolean }): string;
  /** `p` and `ps`. */
  page(sizeDefault: number): Page;
  flag(name: string): boolean;
}

export interface Sent {
  /** What stands behind the question mark. */
  readonly query: string;
  readonly contentType: string | undefined;
  readonly body: Buffer | null;
}

export async function readParameters({ query, contentType, body }: Sent): Promise<Parameters> {
  const values = new Map<string, string>();
  const put = (entries: Iterable<[string, string]>): void => {
    for (const [name, value] of entries) if (!values.has(name)) values.set(name, value);
  };
  put(new URLSearchParams(query));
  if (body !== null && body.length > 0) put(await formEntries(contentType ?? '', body));
  return parametersOf(values);
}

/** A body of any other kind, JSON too, says nothing here. */
async function formEntries(contentType: string, body: Buffer): Promise<Iterable<[string, string]>> {
  const [kind = ''] = contentType.split(';');
  if (/^application\/x-www-form-urlencoded$/i.test(kind.trim())) return new URLSearchParams(body.toString('utf8'));
  if (!/^multipart\/form-data$/i.test(kind.trim())) return [];
  try {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
    return [...form].filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  } catch {
    // Malformed: as if nothing had come, and then what is missing is named.
    return [];
  }
}

function parametersOf(values: ReadonlyMap<string, string>): Parameters {
  const optional: Parameters['optional'] = (name, { min = 0, max = Number.POSITIVE_INFINITY } = {}) => {
    const value = values.get(name);
    if (value === undefined) return undefined;
    if (value.includes('\0')) throw invalid('Request parameters are not allowed to contain NUL character');
    const { length } = value;
    if (length < min) throw invalid(`'${name}' length (${length}) is shorter than the minimum authorized (${min})`);
    if (length > max) throw invalid(`'${name}' length (${length}) is longer than the maximum authorized (${max})`);
    return trimmed(value);
  };
  const filled: Parameters['filled'] = (name, lengths) => optional(name, lengths) || undefined;
  return {
    optional,
    filled,
    required(name, { emptyToo = false, ...lengths } = {}) {
      const value = emptyToo ? optional(name, lengths) : filled(name, lengths);
      if (value === undefined) throw invalid(`The '${name}' parameter is missing`);
      return value;
    },
    page: (sizeDefault) => pageOf(optional, sizeDefault),
    flag: (name) => ['true', 'yes'].includes(optional(name) ?? ''),
  };
}

/** As Java trims: every character up to the blank. */
function trimmed(text: string): string {
  return text.replace(/^[\u0000-\u0020]+|[\u0000-\u0020]+$/g, '');
}

function pageOf(optional: Parameters['optional'], sizeDefault: number): Page {
  const p = optional('p');
  if (p === '') throw invalid("The 'p' parameter is missing");
  const index = p === undefined ? 1 : integer(p);
  if (index === null) throw invalid(`The 'p' parameter cannot be parsed as an integer value: ${p}`);
  const ps = optional('ps');
  const size = ps === undefined ? sizeDefault : integer(ps);
  if (size === null) throw invalid(`'ps' value '${ps}' cannot be parsed as an integer`);
  if (size > pageSizeMax) throw invalid(`'ps' value (${size}) must be less than ${pageSizeMax}`);
  if (index < 1) throw invalid('page index must be >= 1');
  if (size < 1) throw invalid('page size must be >= 1');
  return { index, size };
}

/** What Java takes for an `int`, or null. */
function integer(text: string): number | null {
  const value = /^[+-]?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return Math.abs(value) <= integerMax ? value : null;
}
