// The sample requests in the document about Secure Source Manager's webhooks, where it lies beside the folder of recordings
// (FOLDER/../reference/customer/*.txt): each sample is read into facts and written by our dialect, and the two are compared header by header and field
// by field: order, type, value. Nothing of the document is kept in this repository.
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { GatepostEvent } from '../../src/events/event.ts';
import { secureSourceManagerDialect } from '../../src/webhooks/dialects/secure-source-manager.ts';
import { eventOf } from '../webhooks/git-facts.ts';
import { requestOfEvent } from '../webhooks/request.ts';
import type { Check, Part } from './part.ts';
import { check } from './part.ts';
import { pullRequestOf, pushOf, Sample } from './secure-source-manager-facts.ts';
import { pairs } from './sonarqube-out.ts';

interface Recorded {
  readonly event: string;
  /** Name and value, as they are shown. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: unknown;
}

export function sampleParts(folder: string): readonly Part[] {
  const files = globSync(join(resolve(folder), '../reference/customer/*.txt')).toSorted();
  const recorded = files.flatMap((file) => samplesIn(readFileSync(file, 'utf8')));
  return recorded.map((sample) => {
    const facts = sample.event === 'push' ? pushOf(new Sample(sample.body)) : pullRequestOf(new Sample(sample.body));
    const event = eventOf(sample.event === 'push' ? 'push' : 'pull_request', facts);
    const ours: unknown = JSON.parse(secureSourceManagerDialect.body(event).toString('utf8'));
    const checks = [...headerChecks(sample, event), ...fieldChecks('', ours, sample.body)];
    return { title: `Secure Source Manager's sample of ${sample.event}`, checks };
  });
}

const header = /^\s*(Content-Type|X-SecureSourceManager-\w+):[ \t]*(.*?)\s*$/;

/** Lines of headers, then the body that follows them. */
function samplesIn(text: string): readonly Recorded[] {
  const found: Recorded[] = [];
  let headers: (readonly [string, string])[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const [, name, value = ''] = header.exec(lines[index] ?? '') ?? [];
    if (name !== undefined) headers.push([name, value]);
    if (headers.length === 0 || lines[index]?.trim() !== '{') continue;
    const body: unknown = JSON.parse(objectAt(lines.slice(index).join('\n')));
    const event = headers.find(([each]) => each.endsWith('-Event'))?.[1] ?? '';
    found.push({ event, headers, body });
    headers = [];
  }
  return found;
}

/** The object that a text begins with: up to the brace that closes it. */
function objectAt(text: string): string {
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === '{') depth += 1;
    else if (token === '}') depth -= 1;
    if (depth === 0) return text.slice(0, index + 1);
  }
  return text;
}

function headerChecks(sample: Recorded, event: GatepostEvent): readonly Check[] {
  const delivery = sample.headers.find(([name]) => name.endsWith('-Delivery'))?.[1] ?? '';
  const request = requestOfEvent(event, { dialect: secureSourceManagerDialect, url: new URL('http://x'), delivery });
  const ours = new Map(pairs(request.headers));
  return sample.headers.map(([name, value]) => check(`header ${name}`, ours.get(name) === value, `${ours.get(name)} instead of ${value}`));
}

/** Why a value is another than the sample's, by the end of its path. The first that fits stands. */
const reasons: readonly (readonly [ends: RegExp, verdict: 'better' | 'not held', note: string])[] = [
  [/\.ssh_url$/, 'not held', 'there is no SSH; empty'],
  [/avatar_url$/, 'not held', 'nobody has a picture; empty'],
  [/(url|uris\.\w+)$/, 'better', 'leads to a page or a file of this server'],
  [/owner\.email$/, 'not held', 'an organization has no address; empty'],
  [/\.(base|head)\.repo\.open_pr_counter$/, 'better', 'the same in each place; there it lags'],
  [/watchers_count$/, 'not held', 'nobody watches; 0'],
];

function fieldChecks(path: string, ours: unknown, theirs: unknown): readonly Check[] {
  if (Array.isArray(theirs)) {
    const list: readonly unknown[] = Array.isArray(ours) ? ours : [];
    const length = check(`${path}[]`, Array.isArray(ours) && ours.length === theirs.length, `${list.length} instead of ${theirs.length}`);
    return [length, ...theirs.flatMap((each, index) => fieldChecks(`${path}.${index}`, list[index], each))];
  }
  if (typeof theirs !== 'object' || theirs === null) return [valueCheck(path, ours, theirs)];
  const [mine, keys] = [Object.keys(ours ?? {}), Object.keys(theirs)];
  const fields = ours as Readonly<Record<string, unknown>> | null | undefined;
  const order = mine.slice(0, keys.length).join(' ');
  const extra = mine.slice(keys.length).map((key): Check => ({ name: `${path}.${key}`, verdict: 'better', note: 'is not there' }));
  return [
    check(`${path}{}`, order === keys.join(' '), `${order} instead of ${keys.join(' ')}`),
    ...Object.entries(theirs).flatMap(([key, value]) => fieldChecks(`${path}.${key}`, fields?.[key], value)),
    ...extra,
  ];
}

function valueCheck(path: string, ours: unknown, theirs: unknown): Check {
  const shown = `${JSON.stringify(ours)} instead of ${JSON.stringify(theirs)}`;
  if (ours === theirs || typeof ours !== typeof theirs) return check(path, ours === theirs, shown);
  const reason = reasons.find(([ends]) => ends.test(path));
  return reason === undefined ? check(path, false, shown) : { name: path, verdict: reason[1], note: reason[2] };
}
