import type { GatepostError } from '../../errors.ts';
import { invalid } from '../../errors.ts';

/** Where in a document something stands. */
export type Place = readonly (string | number)[];

const pointerCharactersMax = 200;

export function at(...names: Place): Place {
  return names;
}

/** `invalid_payload` with the JSON pointer (RFC 6901) of what is wrong. */
export function invalidPayload(place: Place, problem: string): GatepostError {
  const pointer = place.map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  const shown = pointer.slice(0, pointerCharactersMax);
  return invalid('invalid_payload', `${shown === '' ? 'The body' : shown} ${problem}.`, { pointer: shown });
}

export type Fields = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objectOf(value: unknown, place: Place): Fields {
  if (!isObject(value)) throw invalidPayload(place, 'must be an object');
  return value;
}

export function listOf(value: unknown, place: Place, max: number): readonly unknown[] {
  if (!Array.isArray(value)) throw invalidPayload(place, 'must be an array');
  if (value.length > max) throw invalidPayload(place, `must have at most ${max} entries`);
  return value as readonly unknown[];
}

export function textOf(value: unknown, place: Place): string {
  if (typeof value !== 'string') throw invalidPayload(place, 'must be a text');
  return value;
}

export function textWithin(value: unknown, place: Place, charactersMax: number): string {
  const text = textOf(value, place);
  if (text.length > charactersMax) throw invalidPayload(place, `must have at most ${charactersMax} characters`);
  return text;
}

/** Null where there is nothing, else what is read. */
export function optional<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === undefined || value === null ? null : read(value);
}
