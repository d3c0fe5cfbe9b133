import { commitBytesMax, messageBytesMax, nameBytesMax, parentsMax } from './limits.ts';
import { cutBytes, textOf } from './text.ts';

export interface Signature {
  readonly name: string;
  readonly email: string;
  /** RFC 3339 with the zone that the commit says. */
  readonly date: string;
}

export interface Commit {
  readonly id: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
}

/**
 * Reads a commit's object, or its first `commitBytesMax`. Never fails: what is missing or odd is empty, a date that is none is the first second of
 * 1970, and text that is not what the commit's `encoding` says (UTF-8 without one) has U+FFFD in its place.
 */
export function readCommit(id: string, whole: Buffer): Commit {
  const object = whole.subarray(0, commitBytesMax);
  const { headers, body } = partsOf(object);
  const encoding = headers.encoding?.toString('latin1') ?? null;
  return {
    id,
    tree: idIn(headers.tree) ?? '',
    parents: headers.parents,
    author: readSignature(headers.author, encoding),
    committer: readSignature(headers.committer, encoding),
    message: messageOf(body, messageBytesMax, encoding),
  };
}

interface Headers {
  tree?: Buffer;
  author?: Buffer;
  committer?: Buffer;
  encoding?: Buffer;
  readonly parents: string[];
}

const lineEnd = 0x0a;
const space = 0x20;

function partsOf(object: Buffer): { readonly headers: Headers; readonly body: Buffer } {
  const headers: Headers = { parents: [] };
  for (let start = 0; start < object.length; ) {
    const found = object.indexOf(lineEnd, start);
    const end = found === -1 ? object.length : found;
    if (end === start) return { headers, body: object.subarray(start + 1) };
    takeHeader(headers, object.subarray(start, end));
    start = end + 1;
  }
  return { headers, body: Buffer.alloc(0) };
}

/** The first of each name counts. A line that begins with a blank goes on with what is before it (a signature, a merged tag): nothing we read. */
function takeHeader(headers: Headers, line: Buffer): void {
  const gap = line.indexOf(space);
  if (gap <= 0) return;
  const value = line.subarray(gap + 1);
  const name = line.toString('latin1', 0, gap);
  if (name === 'parent') {
    const id = idIn(value);
    if (id !== null && headers.parents.length < parentsMax) headers.parents.push(id);
  } else if (name === 'tree' || name === 'author' || name === 'committer' || name === 'encoding') headers[name] ??= value;
}

function idIn(value: Buffer | undefined): string | null {
  const id = value?.toString('latin1', 0, 41) ?? '';
  return /^[0-9a-f]{40}$/.test(id) ? id : null;
}

function messageOf(body: Buffer, bytesMax: number, encoding: string | null): string {
  const bytes = untilNul(body);
  const text = cutBytes(bytes, bytesMax, (part) => textOf(part, encoding));
  return bytes.length > bytesMax ? `${text}\n` : text;
}

/** git shows text up to its first NUL, and so do we: receivers and databases stumble over one. */
function untilNul(bytes: Buffer): Buffer {
  const nul = bytes.indexOf(0);
  return nul === -1 ? bytes : bytes.subarray(0, nul);
}

const nobody: Signature = { name: '', email: '', date: '1970-01-01T00:00:00Z' };

/** `Name <mail> seconds zone`, read as git does: the first `<`, the first `>` after it, and the date behind the last `>`. */
function readSignature(line: Buffer | undefined, encoding: string | null): Signature {
  if (line === undefined) return nobody;
  const open = line.indexOf('<');
  const close = open === -1 ? -1 : line.indexOf('>', open + 1);
  const name = open === -1 ? line : line.subarray(0, open);
  const mail = close === -1 ? Buffer.alloc(0) : line.subarray(open + 1, close);
  const text = (bytes: Buffer): string => cutBytes(untilNul(bytes), nameBytesMax, (part) => textOf(part, encoding)).trim();
  return {
    name: text(name),
    email: text(mail),
    date: close === -1 ? nobody.date : dateOf(line.toString('latin1', line.lastIndexOf('>') + 1)),
  };
}

/** The last second of the year 9999, less a day for zones: later ones have no RFC 3339. */
const secondsMax = 253_402_214_400;

function dateOf(text: string): string {
  const match = /^\s*(\d{1,15})(?:\s+([+-])(\d{1,4}))?(?!\d)/.exec(text);
  const seconds = Number(match?.[1] ?? 0);
  if (match === null || seconds > secondsMax) return nobody.date;
  const zone = Number(match[3] ?? 0);
  const [hours, minutes] = [Math.floor(zone / 100), zone % 100];
  if (zone === 0 || hours > 23 || minutes > 59) return `${local(seconds)}Z`;
  const offset = (hours * 60 + minutes) * 60 * (match[2] === '-' ? -1 : 1);
  // A zone west of Greenwich in the first hours of 1970 leads to 1969, which has a date as well.
  return `${local(seconds + offset)}${match[2]}${two(hours)}:${two(minutes)}`;
}

const local = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19);
const two = (value: number): string => String(value).padStart(2, '0');
