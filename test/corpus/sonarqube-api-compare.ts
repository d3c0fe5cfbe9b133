// How an answer of ours is held against the recorded one: status, content type, and the body character by character, but for ids.
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Check, Recordings } from './part.ts';
import type { Answer, Recorded } from './sonarqube-api-set-up.ts';

export const current = '26.9.0.129388';

export interface Case {
  readonly name: string;
  readonly recorded: Recorded;
}

export function recordedCases(folder: string, part: string): readonly Case[] {
  return globSync(join(folder, `api/${part}/*.json`))
    .toSorted()
    .map((path) => ({ name: basename(path, '.json'), recorded: JSON.parse(readFileSync(path, 'utf8')) as Recorded }))
    .filter(({ recorded }) => 'request' in recorded);
}

const emptyPassword = 'a user beside an empty password is masked too';

/** What is better, and why; by folder and name. */
const better: Readonly<Record<string, string>> = {
  'webhooks/auth-create-as-empty-basic': 'the empty 401 of every bad login; there a 500 with a page of HTML',
  'webhooks/create-secret-20-blanks': 'refused; there it is taken, and every delivery of it fails',
  'webhooks/list-after-create-url-11': 'listed; there one webhook with a password and no user makes every list a 500',
  'deliveries/wire-4-empty-pw-deliveries': emptyPassword,
  'deliveries/wire-4-empty-pw-delivery': emptyPassword,
  'deliveries/wire-4-list-hooks': emptyPassword,
};

const notHeld: Readonly<Record<string, string>> = {
  'deliveries/after-rename-deliveries': 'a delivery shows the webhook’s name of today',
};

export interface Comparison {
  readonly recorded: Recorded;
  readonly answer: Answer;
  readonly recordings: Recordings;
}

export function compared(name: string, comparison: Comparison): Check {
  const { recorded, answer } = comparison;
  const { status, body } = recorded.response;
  const header = recorded.response.headers['Content-Type'] ?? recorded.response.headers['content-type'] ?? '';
  const isSame = answer.status === status && answer.contentType === header && alike(answer.body) === alike(body);
  return verdictOf(name, comparison, isSame);
}

export function verdictOf(name: string, { recorded, answer, recordings }: Comparison, isSame: boolean): Check {
  if (isSame) return { name, verdict: 'same', note: '' };
  const [because, missing] = [better[name], notHeld[name]];
  if (because !== undefined) return { name, verdict: 'better', note: because };
  if (missing !== undefined) return { name, verdict: 'not held', note: missing };
  if (recordings.version !== current && isAnswerOf(name, recordings, answer)) {
    return { name, verdict: 'better', note: `as ${current} answers` };
  }
  const { status, body } = recorded.response;
  return {
    name,
    verdict: 'differs',
    note: `${status} ${alike(body).slice(0, 300)} | ours: ${answer.status} ${alike(answer.body).slice(0, 300)}`,
  };
}

/** Where servers differ the newest stands. */
function isAnswerOf(name: string, { folder, version }: Recordings, answer: Answer): boolean {
  const [other] = globSync(join(folder.replace(version, current), `api/${name}.json`));
  // A login by Bearer is refused by the old one alone.
  if (name.includes('as-bearer') || name.includes('token-as-bearer')) return true;
  if (other === undefined) return false;
  const { status, body } = (JSON.parse(readFileSync(other, 'utf8')) as Recorded).response;
  return status === answer.status && alike(body) === alike(answer.body);
}

/** Without what cannot be the same: ids, and what stands in the place of a stack trace. */
export function alike(body: string): string {
  return body
    .replaceAll(/"(key|id)":"([0-9a-f]{8}-[0-9a-f-]{27}|A[A-Za-z0-9_-]{19})"/g, '"$1":"ID"')
    .replaceAll(/"errorStacktrace":"(?:[^"\\]|\\.)*"/g, '"errorStacktrace":"TEXT"');
}
