import { nameCharactersMax, type Place, snippetCharactersMax } from '../finding.ts';
import { clean, indexOf, type JsonObject, listOf, objectOf, textOf } from './json.ts';
import { uriBasesMax, uriBaseStepsMax } from './limits.ts';

/** A file as a log names it: a URI, often relative to a base that has a name. */
export interface Location {
  readonly uri: string;
  readonly base?: string;
}

/** What one run says of where its files are. */
export interface Roots {
  readonly bases: ReadonlyMap<string, Location | undefined>;
  /** Directories that are taken off the front of absolute paths, in the order they are tried. Without a slash at the end. */
  readonly directories: readonly string[];
}

export function locationOf(value: unknown): Location | undefined {
  const { uri, uriBaseId } = objectOf(value);
  if (typeof uri !== 'string') return undefined;
  const base = textOf(uriBaseId);
  return base === undefined ? { uri } : { uri, base };
}

/** `originalUriBaseIds`; a base without a URI is kept as one: what is relative to it is relative to the project. */
export function basesOf(value: unknown): ReadonlyMap<string, Location | undefined> {
  const entries = Object.entries(objectOf(value)).slice(0, uriBasesMax);
  return new Map(entries.map(([id, entry]) => [id, locationOf(entry)]));
}

/**
 * Where the project may lie on the machine that was scanned, so that paths can be told without it: the directory that version control is
 * mapped to, then the outermost base, then where the tool was started. The file system's own root counts only where a base says so.
 */
export function rootsOf(run: {
  readonly bases: ReadonlyMap<string, Location | undefined>;
  readonly mappedTo: readonly Location[];
  readonly workingDirectories: readonly Location[];
}): Roots {
  const directoryOf = (location: Location | undefined) => (location === undefined ? undefined : absoluteOf(location, run.bases));
  const found = (locations: readonly (Location | undefined)[]) => locations.map(directoryOf).filter((path) => path !== undefined);
  const bases = found([...run.bases.values()]).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const inner = [...found(run.mappedTo), ...bases, ...found(run.workingDirectories)].filter((path) => path !== '');
  return { bases: run.bases, directories: [...new Set([...inner, ...(bases.includes('') ? [''] : [])])] };
}

/** The path of a location: relative to the project where that can be known, with `/`, without `.` and `..`, percent-decoded. */
export function pathOf(location: Location, roots: Roots): string {
  const parsed = parse(resolve(location, roots.bases));
  if (parsed.kind === 'foreign') return clean(`${parsed.prefix}${normalize(parsed.path)}`, nameCharactersMax);
  const path = normalize(parsed.path);
  if (parsed.kind === 'relative') return clean(path === '' ? '.' : path, nameCharactersMax);
  const whole = `${parsed.prefix}${path}`;
  for (const directory of roots.directories) {
    if (whole === directory) return '.';
    if (whole.startsWith(`${directory}/`)) return clean(whole.slice(directory.length + 1), nameCharactersMax);
  }
  return clean(whole, nameCharactersMax);
}

function absoluteOf(location: Location, bases: Roots['bases']): string | undefined {
  const parsed = parse(resolve(location, bases));
  if (parsed.kind !== 'file') return undefined;
  const whole = `${parsed.prefix}${normalize(parsed.path)}`;
  return whole.endsWith('/') ? whole.slice(0, -1) : whole;
}

/** Follows the chain of bases until a URI is absolute, or nothing more is said. */
function resolve(location: Location, bases: Roots['bases']): string {
  let uri = location.uri.trim();
  let base = location.base;
  for (let step = 0; base !== undefined && step < uriBaseStepsMax && isRelative(uri); step += 1) {
    const next = bases.get(base);
    if (next === undefined) break;
    const front = next.uri.trim();
    uri = front === '' || /[/\\]$/.test(front) ? `${front}${uri}` : `${front}/${uri}`;
    base = next.base;
  }
  return uri;
}

function isRelative(uri: string): boolean {
  return !/^(?:[/\\]|[a-z]:[/\\]|[a-z][a-z0-9+.-]+:)/i.test(uri);
}

type Parsed =
  /** `prefix`: `/`, `C:/`, `//host/`. */
  | { readonly kind: 'file'; readonly prefix: string; readonly path: string }
  | { readonly kind: 'relative'; readonly path: string }
  /** Of another scheme than `file`; `prefix` holds scheme and authority. */
  | { readonly kind: 'foreign'; readonly prefix: string; readonly path: string };

function parse(uri: string): Parsed {
  const slashed = uri.replaceAll('\\', '/');
  if (isRelative(slashed)) return { kind: 'relative', path: decode(slashed) };
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(slashed)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'file') {
    const [, prefix = '', path = ''] = /^([^:]+:(?:\/\/[^/]*)?\/?)(.*)$/s.exec(slashed) ?? [];
    return { kind: 'foreign', prefix, path };
  }
  const rest = scheme === undefined ? slashed : slashed.slice('file:'.length);
  // `file://host/path`; more than two slashes at the front name no host.
  const [, host = '', hosted] = /^\/\/([^/]+)(\/.*)?$/s.exec(rest) ?? [];
  const path = decode(host === '' ? rest : (hosted ?? '/'));
  const drive = /^\/*([a-z]):(?:\/|$)/i.exec(path);
  if (drive?.[1] !== undefined) return { kind: 'file', prefix: `${drive[1].toUpperCase()}:/`, path: path.slice(drive[0].length) };
  return { kind: 'file', prefix: host === '' || host.toLowerCase() === 'localhost' ? '/' : `//${host}/`, path };
}

/** Decodes what is well-formed UTF-8 and leaves the rest as it is written: `100%.c` is a file name too. */
function decode(text: string): string {
  if (!text.includes('%')) return text;
  const decoded = text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
  return decoded.replaceAll('\\', '/');
}

function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** The first location of a result that names a file: where it is, its region, and the text of its line. */
export interface Found {
  readonly location: Location;
  readonly region: JsonObject;
  /** What the region's text is; the context's line where only that is given. */
  readonly lineText: string | undefined;
}

/** What a tool writes in place of a text that it keeps from those who have no account. */
const withheld = 'requires login';

export function isWithheld(text: string): boolean {
  return text.length < 2 * withheld.length && text.trim().toLowerCase() === withheld;
}

export function findPlace(result: JsonObject, artifacts: readonly (Location | undefined)[]): Found | undefined {
  for (const entry of listOf(result.locations)) {
    const physical = objectOf(objectOf(entry).physicalLocation);
    const named = objectOf(physical.artifactLocation);
    const index = indexOf(named.index);
    const location = locationOf(named) ?? (index === undefined ? undefined : artifacts[index]);
    if (location === undefined) continue;
    const region = objectOf(physical.region);
    const snippet = textOfSnippet(region);
    return { location, region, lineText: snippet ?? lineOfContext(region, objectOf(physical.contextRegion)) };
  }
  return undefined;
}

function textOfSnippet(region: JsonObject): string | undefined {
  const text = textOf(objectOf(region.snippet).text);
  return text === undefined || isWithheld(text) ? undefined : text;
}

/** The region's first line, out of the lines around it. */
function lineOfContext(region: JsonObject, context: JsonObject): string | undefined {
  const text = textOfSnippet(context);
  const line = indexOf(region.startLine);
  const first = indexOf(context.startLine);
  if (text === undefined || line === undefined || first === undefined || line < first || line - first > 1_000) return undefined;
  return textOf(text.split(/\r\n|\r|\n/, line - first + 1)[line - first]);
}

const lineMax = 2_147_483_647;

/** A finding's place; lines and columns that are none (0, -1, beyond 2^31) are left out. */
export function placeOf(found: Found, path: string): Place {
  const { region, lineText } = found;
  const place: { -readonly [Key in keyof Place]: Place[Key] } = { path };
  const startLine = countOf(region.startLine);
  const startColumn = countOf(region.startColumn);
  const endLine = countOf(region.endLine);
  const endColumn = countOf(region.endColumn);
  if (startLine !== undefined) place.startLine = startLine;
  if (startColumn !== undefined) place.startColumn = startColumn;
  if (endLine !== undefined) place.endLine = endLine;
  if (endColumn !== undefined) place.endColumn = endColumn;
  if (lineText !== undefined) place.snippet = clean(lineText, snippetCharactersMax);
  return place;
}

function countOf(value: unknown): number | undefined {
  const count = indexOf(value);
  return count === 0 || (count ?? 0) > lineMax ? undefined : count;
}
