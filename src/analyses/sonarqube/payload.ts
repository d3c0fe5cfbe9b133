import { isUtf8 } from 'node:buffer';
import { invalid } from '../../errors.ts';
import type { GateFacts } from '../../events/event.ts';
import { checkedProjectKey } from '../../projects/project.ts';
import type { Timestamp } from '../../timestamps.ts';
import { parseTimestamp } from '../../timestamps.ts';
import { branchCharactersMax, revisionCharactersMax } from '../analysis.ts';
import type { Place } from './payload-fields.ts';
import { at, invalidPayload, isObject, listOf, objectOf, optional, textOf, textWithin } from './payload-fields.ts';

/** What a webhook of SonarQube says (its contract, section 1), whichever version wrote it. What is not named here is in its bytes still. */
export interface Payload {
  /** The bytes as text, nothing changed. */
  readonly text: string;
  /** Null where no background task brought it: an issue was edited, and the gate with it. */
  readonly task: string | null;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly analysedAt: PayloadTime | null;
  readonly changedAt: PayloadTime | null;
  readonly revision: string | null;
  readonly project: { readonly key: string; readonly name: string };
  /** `name` is the pull request's key for `PULL_REQUEST`; null for a main branch that has none. */
  readonly branch: { readonly name: string | null; readonly type: 'BRANCH' | 'PULL_REQUEST'; readonly isMain: boolean } | null;
  /** Null where none was measured: always so for `FAILED`. */
  readonly gate: GateFacts | null;
  readonly properties: Readonly<Record<string, string>>;
}

/** A time as it was written, and as it is understood. */
export interface PayloadTime extends Timestamp {
  /** `2026-03-02T09:15:04+0100`. */
  readonly given: string;
}

/** The width of a task's id over there is 40. */
export const taskCharactersMax = 255;
export const projectNameCharactersMax = 2_000;
/** A gate has a handful. */
export const conditionsMax = 1_000;
export const conditionCharactersMax = 4_000;
/** SonarQube knows no limit on its properties; the body has one. */
export const payloadPropertiesMax = 1_000;
export const payloadPropertyNameCharactersMax = 1_000;
export const payloadPropertyCharactersMax = 200_000;

/**
 * Reads the body of a webhook. Fails with `not_utf8`, `not_json` (each with the offset where it is known), `invalid_payload` (with a JSON pointer to
 * the field and what is wrong with it), or `invalid_project_key`. Optional fields that are missing or null are null here.
 */
export function readPayload(bytes: Buffer): Payload {
  if (!isUtf8(bytes)) throw invalid('not_utf8', 'The body is not valid UTF-8.', { offset: firstBad(bytes) });
  const text = bytes.toString('utf8');
  const root = objectOf(parse(text), at());
  const analysedAt = optional(root['analysedAt'], (value) => timeOf(value, at('analysedAt')));
  return {
    text,
    task: optional(root['taskId'], (value) => idOf(value, at('taskId'), taskCharactersMax)),
    status: statusOf(root['status']),
    analysedAt,
    // For a task it is the same text (section 1.1).
    changedAt:
      root['changedAt'] === analysedAt?.given ? analysedAt : optional(root['changedAt'], (value) => timeOf(value, at('changedAt'))),
    revision: optional(root['revision'], (value) => idOf(value, at('revision'), revisionCharactersMax)),
    project: projectOf(root['project']),
    branch: optional(root['branch'], branchOf),
    gate: optional(root['qualityGate'], gateOf),
    properties: optional(root['properties'], propertiesOf) ?? {},
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const offset = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    throw invalid('not_json', 'The body is not JSON.', offset === undefined ? {} : { offset: Number(offset) });
  }
}

/** Where what was understood of the bytes, written anew, is not what came. */
function firstBad(bytes: Buffer): number {
  const understood = Buffer.from(bytes.toString('utf8'), 'utf8');
  return bytes.findIndex((byte, index) => byte !== understood[index]);
}

function statusOf(value: unknown): Payload['status'] {
  if (value === 'SUCCESS' || value === 'FAILED') return value;
  throw invalidPayload(at('status'), 'must be SUCCESS or FAILED');
}

/** Text that becomes a column: what PostgreSQL cannot hold is refused here, by name. */
function idOf(value: unknown, place: Place, charactersMax: number): string | null {
  const text = textWithin(value, place, charactersMax);
  if (text.includes('\0')) throw invalidPayload(place, 'must hold no NUL');
  return text === '' ? null : text;
}

function timeOf(value: unknown, place: Place): PayloadTime {
  const given = textOf(value, place);
  const time = parseTimestamp(given);
  if (time === null) throw invalidPayload(place, 'must be a time such as 2026-03-02T09:15:04+0100');
  return { ...time, given };
}

function projectOf(value: unknown): Payload['project'] {
  const project = objectOf(value, at('project'));
  const key = checkedProjectKey(textOf(project['key'], at('project', 'key')));
  const name = optional(project['name'], (given) => textWithin(given, at('project', 'name'), projectNameCharactersMax));
  return { key, name: name ?? key };
}

/** `LONG` and `SHORT` of servers before 8 are branches (section 1.1); so is what a version to come may say. */
function branchOf(value: unknown): NonNullable<Payload['branch']> {
  const branch = objectOf(value, at('branch'));
  const name = optional(branch['name'], (given) => idOf(given, at('branch', 'name'), branchCharactersMax));
  const type = optional(branch['type'], (given) => textOf(given, at('branch', 'type')));
  const { isMain } = branch;
  if (isMain !== undefined && isMain !== null && typeof isMain !== 'boolean')
    throw invalidPayload(at('branch', 'isMain'), 'must be a boolean');
  if (type === 'PULL_REQUEST') {
    if (name === null) throw invalidPayload(at('branch', 'name'), 'must be the pull request’s key');
    return { name, type, isMain: false };
  }
  return { name, type: 'BRANCH', isMain: isMain ?? name === null };
}

function gateOf(value: unknown): GateFacts {
  const gate = objectOf(value, at('qualityGate'));
  const place = at('qualityGate', 'conditions');
  const conditions = listOf(gate['conditions'] ?? [], place, conditionsMax);
  return {
    name: textWithin(gate['name'], at('qualityGate', 'name'), conditionCharactersMax),
    status: textWithin(gate['status'], at('qualityGate', 'status'), conditionCharactersMax),
    conditions: conditions.map((condition, index) => conditionOf(condition, [...place, index])),
  };
}

/** `value` may be missing with any status; `errorThreshold` on old servers where there is only a warning (section 1.1). */
function conditionOf(value: unknown, place: Place): GateFacts['conditions'][number] {
  const condition = objectOf(value, place);
  const read = (name: string): string => textWithin(condition[name], [...place, name], conditionCharactersMax);
  const present = (name: string): boolean => condition[name] !== undefined && condition[name] !== null;
  return {
    metric: read('metric'),
    operator: read('operator'),
    ...(present('value') ? { value: read('value') } : {}),
    status: read('status'),
    errorThreshold: present('errorThreshold') ? read('errorThreshold') : '',
  };
}

function propertiesOf(value: unknown): Payload['properties'] {
  if (!isObject(value)) throw invalidPayload(at('properties'), 'must be an object');
  const entries = Object.entries(value);
  if (entries.length > payloadPropertiesMax) throw invalidPayload(at('properties'), `must have at most ${payloadPropertiesMax} entries`);
  // By entries, so that a property called `__proto__` is one like any other.
  return Object.fromEntries(
    entries.map(([name, text]) => {
      const place = at('properties', name);
      if (name.length > payloadPropertyNameCharactersMax) {
        throw invalidPayload(at('properties'), `must have names of at most ${payloadPropertyNameCharactersMax} characters`);
      }
      return [name, textWithin(text, place, payloadPropertyCharactersMax)];
    }),
  );
}
