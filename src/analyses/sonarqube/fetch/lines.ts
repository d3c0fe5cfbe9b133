import { messageCharactersMax, nameCharactersMax } from '../../finding.ts';
import { clean, cleanOf, indexOf, listOf, objectOf, textOf } from '../../sarif/json.ts';
import { rfc3339Of } from './dates.ts';
import type { HotspotLine, IssueLine, PlacedLine, Reason } from './file.ts';

type Item = Readonly<Record<string, unknown>>;
type Paths = ReadonlyMap<string, string>;

/** What is kept of an issue; undefined where it has no key or no rule. */
export function issueLineOf(item: Item, paths: Paths): IssueLine | undefined {
  const placed = placedOf(item, item['rule'], paths);
  if (placed === undefined) return undefined;
  const resolution = textOf(item['resolution']);
  const issueStatus = textOf(item['issueStatus']);
  const effortMinutes = minutesOf(item['effort'] ?? item['debt']);
  const impacts = impactsOf(item['impacts']);
  return {
    kind: 'issue',
    ...placed,
    type: textOf(item['type']) ?? '',
    severity: textOf(item['severity']) ?? '',
    status: textOf(item['status']) ?? '',
    ...(impacts === undefined ? {} : { impacts }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(issueStatus === undefined ? {} : { issueStatus }),
    ...(effortMinutes === undefined ? {} : { effortMinutes }),
    ...commentsOf(item['comments']),
  };
}

/** What is kept of a hotspot; undefined where it has no key or no rule. */
export function hotspotLineOf(item: Item, paths: Paths): HotspotLine | undefined {
  const placed = placedOf(item, item['ruleKey'], paths);
  if (placed === undefined) return undefined;
  const resolution = textOf(item['resolution']);
  return {
    kind: 'hotspot',
    ...placed,
    category: textOf(item['securityCategory']) ?? '',
    probability: textOf(item['vulnerabilityProbability']) ?? '',
    status: textOf(item['status']) ?? '',
    ...(resolution === undefined ? {} : { resolution }),
  };
}

function placedOf(item: Item, ruleKey: unknown, paths: Paths): PlacedLine | undefined {
  const key = textOf(item['key']);
  const rule = cleanOf(ruleKey, nameCharactersMax);
  if (key === undefined || rule === undefined) return undefined;
  const path = pathOf(textOf(item['component']), textOf(item['project']), paths);
  const line = indexOf(item['line']);
  const range = rangeOf(item['textRange']);
  const created = rfc3339Of(item['creationDate']);
  return {
    key: clean(key, nameCharactersMax),
    rule,
    // One more than is shown, so that the reader can tell that it was cut.
    message: cleanOf(item['message'], messageCharactersMax + 1) ?? '',
    ...(path === undefined ? {} : { path: clean(path, nameCharactersMax) }),
    ...(line === undefined ? {} : { line }),
    ...(range === undefined ? {} : { range }),
    ...(created === undefined ? {} : { created }),
  };
}

/** The file's path within the project: as the server lists it, else what follows the project in the component's key. */
function pathOf(component: string | undefined, project: string | undefined, paths: Paths): string | undefined {
  if (component === undefined || component === project) return undefined;
  const listed = paths.get(component);
  if (listed !== undefined) return listed;
  return project !== undefined && component.startsWith(`${project}:`) ? component.slice(project.length + 1) : undefined;
}

function rangeOf(value: unknown): readonly [number, number, number, number] | undefined {
  const range = objectOf(value);
  const numbers = ['startLine', 'startOffset', 'endLine', 'endOffset'].map((name) => indexOf(range[name]));
  const [startLine, startOffset = 0, endLine, endOffset = 0] = numbers;
  return startLine === undefined || endLine === undefined ? undefined : [startLine, startOffset, endLine, endOffset];
}

function impactsOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!Array.isArray(value)) return undefined;
  const pairs = value.map(objectOf).map((each) => [textOf(each['softwareQuality']), textOf(each['severity'])] as const);
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair[0] !== undefined && pair[1] !== undefined));
}

const minutesOfDay = 8 * 60;

/** `30min`, `1h`, `2d4h30min`: a day is eight hours, as SonarQube counts it unless told otherwise. */
export function minutesOf(value: unknown): number | undefined {
  const text = textOf(value)?.replaceAll(' ', '');
  const [, days, hours, minutes] = /^(?:(\d{1,7})d)?(?:(\d{1,7})h)?(?:(\d{1,7})min)?$/.exec(text ?? '-') ?? [];
  if (text === undefined || (days ?? hours ?? minutes) === undefined) return undefined;
  return Number(days ?? 0) * minutesOfDay + Number(hours ?? 0) * 60 + Number(minutes ?? 0);
}

export const commentCharactersMax = 4_096;

/** The last comment of an issue, as long as nothing better is known of why it was set aside. */
function commentsOf(value: unknown): { readonly reason?: Reason } {
  const last = lastComment(value);
  return last === undefined ? {} : { reason: last };
}

/** The newest of `comments[]`; of `by` alone where that is given and has written one. */
export function lastComment(value: unknown, by?: string): Reason | undefined {
  const all = listOf(value).map(objectOf);
  const own = by === undefined ? [] : all.filter((each) => each['login'] === by);
  const [last] = (own.length === 0 ? all : own).toSorted((a, b) => String(b['createdAt']).localeCompare(String(a['createdAt'])));
  const comment = cleanOf(last?.['markdown'] ?? last?.['htmlText'], commentCharactersMax);
  if (last === undefined || comment === undefined) return undefined;
  const login = cleanOf(last['login'], nameCharactersMax);
  const at = rfc3339Of(last['createdAt']);
  return { comment, ...(login === undefined ? {} : { by: login }), ...(at === undefined ? {} : { at }) };
}
