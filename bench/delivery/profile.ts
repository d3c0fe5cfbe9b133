import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './context.ts';

// What V8's profiler saw, by thread: its own time of each function, put into groups by where the function lies.

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const functionsShown = 12;
const groupsShown = 14;
const shareMin = 0.005;

/** Where code lies, and what it is called in the answer. The first that fits counts. */
const places: readonly (readonly [RegExp, string])[] = [
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
  [/^node:/, 'node: rest'],
];

function groupOf({ functionName, url }: { readonly functionName: string; readonly url: string }): string {
  if (url === '') {
    if (functionName === '(idle)') return '(idle)';
    if (functionName === '(garbage collector)') return 'garbage collector';
    return functionName === '(program)' ? 'native, unnamed (system calls, SQLite)' : `native: ${functionName}`;
  }
  for (const [pattern, name] of places) {
    const match = pattern.exec(url);
    if (match !== null) return name.replace('$1', match[1] ?? '');
  }
  return url;
}

/** Runs what is given under the profiler (with the options for node that it is handed) and tells what came of it. */
export async function profileOf(work: (nodeOptions: readonly string[]) => Promise<unknown>): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-profile-'));
  try {
    await work(['--cpu-prof', `--cpu-prof-dir=${directory}`, '--cpu-prof-interval=500']);
    const told = readdirSync(directory)
      .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as Profile)
      .map((profile) => tell(profile))
      .toSorted((a, b) => b.busyMs - a.busyMs);
    return told.map(({ text }, index) => `\n  thread ${index + 1}: ${text}`).join('');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function tell(profile: Profile): { readonly busyMs: number; readonly text: string } {
  const groups = new Map<string, number>();
  const functions = new Map<string, number>();
  const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  let busy = 0;
  for (const [index, id] of profile.samples.entries()) {
    const frame = frames.get(id);
    const ms = (profile.timeDeltas[index] ?? 0) / 1000;
    if (frame === undefined || frame.functionName === '(idle)') continue;
    busy += ms;
    const group = groupOf(frame);
    groups.set(group, (groups.get(group) ?? 0) + ms);
    const where = frame.url === '' ? '' : ` ${frame.url.replace(`file://${root}`, '')}:${frame.lineNumber + 1}`;
    const name = `${frame.functionName || '(anonymous)'}${where}`;
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
