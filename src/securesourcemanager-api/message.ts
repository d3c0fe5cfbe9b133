import { invalidArgument } from './errors.ts';
import { snakeCase } from './query.ts';

// JSON as Google reads messages: names in camelCase or snake_case, null as if it were not there, nothing that is not known.

export type Kind = 'text' | 'flag' | 'list' | 'message' | 'ignored';

/** The fields of a message that are there and not null, by their name in camelCase. */
export type Message = ReadonlyMap<string, unknown>;

/** Fails with INVALID_ARGUMENT where the bytes are no JSON object. None at all is an empty one. */
export function parseMessage(body: unknown): Readonly<Record<string, unknown>> {
  if (!Buffer.isBuffer(body) || body.length === 0) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw invalidArgument('The body is not JSON.');
  }
  if (!isObject(parsed)) throw invalidArgument('The body is not a JSON object.');
  return parsed;
}

/** Fails with INVALID_ARGUMENT for a field that is not known, that comes in both spellings, or whose value is of another kind. */
export function readMessage(given: Readonly<Record<string, unknown>>, kinds: Readonly<Record<string, Kind>>, at = ''): Message {
  const fields = new Map<string, unknown>();
  for (const [spelled, value] of Object.entries(given)) {
    const name = Object.keys(kinds).find((one) => one === spelled || snakeCase(one) === spelled);
    const path = at === '' ? spelled : `${at}.${spelled}`;
    if (name === undefined) throw invalidArgument(`Unknown name "${path}": there is no such field.`, { field: path });
    if (fields.has(name)) throw invalidArgument(`The field "${path}" comes twice.`, { field: path });
    if (value === null) continue;
    if (!isOfKind(value, kinds[name] ?? 'ignored')) throw invalidArgument(`The field "${path}" is of another kind.`, { field: path });
    fields.set(name, value);
  }
  return fields;
}

function isOfKind(value: unknown, kind: Kind): boolean {
  if (kind === 'text') return typeof value === 'string' && value.isWellFormed();
  if (kind === 'flag') return typeof value === 'boolean';
  if (kind === 'list') return Array.isArray(value);
  return kind === 'ignored' || isObject(value);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
