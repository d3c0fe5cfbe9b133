import type { Profile } from '../../test/delivery/profiler.ts';
import { root } from './context.ts';

// What V8's profiler saw, by thread: its own time of each function, put into groups by where the function lies.

const functionsShown = 12;
const groupsShown = 14;
const shareMin = 0.005;

/** Where code lies, and what it is called in the answer. The first that fits counts. */
const places: readonly (readonly [RegExp, string])[] = [
  [/^file:.*\/src\/.*sqlite/, 'src: statements of SQLite'],
  [/^file:.*\/src\/storage\//, 'src/storage'],
  [/^file:.*\/src\/webhooks\/([\w-]+)\//, 'src/webhooks/$1'],
  [/^file:.*\/src\/([\w-]+)\//, 'src/$1'],
  [/^file:.*\/src\/([\w.-]+)$/, 'src/$1'],
  [/^file:.*\/(test|bench)\//, 'the bench itself'],
  [/node_modules\/((?:@[^/]+\/)?[^/]+)\//, '$1'],
  [/^node:internal\/crypto|^node:crypto/, 'node: crypto (HMAC, random)'],
  [
    /^node:internal\/(stream|streams|net|tls|timers|process|async|per_context|event)|^node:(net|events|stream|internal\/stream_base)/,
    'node: streams, sockets, timers',
  ],
  [/^node:_http|^node:http|^node:internal\/http/, 'node: http server'],
  [/^node:internal\/worker|^node:worker|^node:internal\/per_context\/messageport/, 'node: messages between threads'],
  [/^wasm:/, 'undici (parser)'],
  [/^node:/, 'node: rest'],
];

/** Native functions by what they do; the others are told with who calls them. */
const natives: readonly (readonly [RegExp, string])[] = [
  [/^\(garbage collector\)$/, 'garbage collector'],
  [/^\(program\)$/, 'native, not told apart (system calls among it)'],
  [/postMessage|MessagePort|receiveMessage/, 'messages between threads'],
  [/^(writev|write\w+String|writeBuffer|readStart|readStop|shutdown)$/, 'sockets: system calls'],
  [/^(hmac|Hmac|sign|digest|update|randomFill\w*|randomBytes\w*)$/, 'crypto'],
];

const callsSqlite: ReadonlySet<string> = new Set(['src: statements of SQLite', 'src/storage', 'better-sqlite3']);

type Frame = Profile['nodes'][number]['callFrame'];

function groupOf({ functionName, url }: Frame, caller: string): string {
  if (url === '') {
    const native = natives.find(([pattern]) => pattern.test(functionName));
    if (native !== undefined) return native[1];
    return callsSqlite.has(caller) ? 'SQLite itself' : `native under ${caller}`;
  }
  for (const [pattern, name] of places) {
    const match = pattern.exec(url);
    if (match !== null) return name.replace('$1', match[1] ?? '');
  }
  return url;
}

interface Told {
  readonly group: string;
  readonly name: string;
}

/** What each node is told as, by its id: what is native belongs to whoever called it. */
function toldNodes({ nodes }: Profile): ReadonlyMap<number, Told> {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const told = new Map<number, Told>();
  // Parents stand before their children.
  for (const { id, callFrame } of nodes) {
    const caller = told.get(parents.get(id) ?? 0);
    const own = callFrame.functionName || '(anonymous)';
    const { url } = callFrame;
    const place = `${own} ${url.replace(`file://${root}`, '')}:${callFrame.lineNumber + 1}`;
    const isRoot = caller === undefined || caller.name === '(root)' || own === '(program)' || own === '(garbage collector)';
    const native = isRoot ? own : `${own} called by ${caller.name}`;
    told.set(id, { group: groupOf(callFrame, caller?.group ?? 'the root'), name: url === '' ? native : place });
  }
  return told;
}

/** What each thread did, the busiest first. */
export function tellProfiles(profiles: readonly Profile[]): string {
  const told = profiles.map((profile) => tell(profile)).toSorted((a, b) => b.busyMs - a.busyMs);
  return told.map(({ text }, index) => `\n  thread ${index + 1}: ${text}`).join('');
}

function tell(profile: Profile): { readonly busyMs: number; readonly text: string } {
  const told = toldNodes(profile);
  const groups = new Map<string, number>();
  const functions = new Map<string, number>();
  const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  let busy = 0;
  for (const [index, id] of profile.samples.entries()) {
    const frame = frames.get(id);
    const ms = (profile.timeDeltas[index] ?? 0) / 1000;
    // The profiler's own beginning is no work of the server.
    if (frame === undefined || frame.functionName === '(idle)' || frame.url === 'node:inspector') continue;
    busy += ms;
    const { group, name } = told.get(id) ?? { group: '', name: '' };
    groups.set(group, (groups.get(group) ?? 0) + ms);
    functions.set(name, (functions.get(name) ?? 0) + ms);
  }
  const lines = (map: ReadonlyMap<string, number>, most: number): string =>
    [...map]
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, most)
      .filter(([, ms]) => ms >= busy * shareMin)
      .map(([name, ms]) => `\n    ${((ms / busy) * 100).toFixed(1).padStart(5)} %  ${name}`)
      .join('');
  return {
    busyMs: busy,
    text: `busy ${(busy / 1000).toFixed(2)} s${lines(groups, groupsShown)}\n    functions:${lines(functions, functionsShown)}`,
  };
}
