import { hash } from 'node:crypto';
import { fingerprintTextCharactersMax } from './limits.ts';
import { type JsonObject, objectOf, own, textOf } from './json.ts';
import { isWithheld } from './place.ts';

/** What makes an issue the one it is, beside the line it is on, which moves. */
export interface Identity {
  readonly tool: string;
  readonly rule: string;
  /** Empty where there is no place. */
  readonly path: string;
  /** The text of the line, else the message. */
  readonly text: string;
}

export interface Fingerprints {
  /** 32 hexadecimal digits for the next result of a log. Each result gets one of its own; to be asked in the order of the log. */
  next(result: JsonObject, identity: Identity): string;
}

/**
 * Fingerprints for the results of one log.
 *
 * - `fingerprints` identify: tool, rule and the one given (of several the first name's newest version). Some tools hash no more than a line's
 *   text, so that results in several places share one: each further one is told apart by path, text and its number among its like.
 * - `partialFingerprints` contribute: they stand in for the line's text, beside tool, rule and path.
 * - Where neither is given: tool, rule, path and the text of the line (else the message), white space evened out.
 *
 * The line number is never part of it. Issues that are alike in all this are numbered in the order they come in, so that of three like
 * ones the third is gone when one of them is mended, and none that is there is taken for another's.
 */
export function createFingerprints(): Fingerprints {
  const occurrences = createOccurrences();
  return {
    next(result, identity) {
      const { tool, rule, path } = identity;
      const given = givenOf(result.fingerprints);
      if (given !== undefined) {
        const whole = digest(['given', tool, rule, given]);
        if (occurrences.next(whole) === 0) return whole;
        return numbered(digest([whole, path, evened(identity.text)]));
      }
      const partial = partialOf(result.partialFingerprints);
      return numbered(
        partial === undefined
          ? digest(['computed', tool, rule, path, evened(identity.text)])
          : digest(['partial', tool, rule, path, partial]),
      );
    },
  };

  function numbered(key: string): string {
    const number = occurrences.next(key);
    return number === 0 ? key : digest([key, String(number)]);
  }
}

function digest(parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, 32);
}

function evened(text: string): string {
  return text.slice(0, fingerprintTextCharactersMax).replaceAll(/\s+/g, ' ').trim();
}

/** The first name's newest version: `contextHash/v2` goes before `contextHash/v1`, so that a tool may add versions and older logs still match by theirs. */
function givenOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const object = objectOf(value);
  let best: { readonly key: string; readonly name: string; readonly version: number } | undefined;
  for (const key of Object.keys(object)) {
    const text = textOf(own(object, key));
    if (text === undefined || isWithheld(text)) continue;
    const [, name = key, version = '0'] = /^(.*)\/v(\d{1,9})$/s.exec(key) ?? [];
    const entry = { key, name, version: Number(version) };
    if (best === undefined || entry.name < best.name || (entry.name === best.name && entry.version > best.version)) best = entry;
  }
  return best === undefined ? undefined : `${best.key}=${String(own(object, best.key)).slice(0, fingerprintTextCharactersMax)}`;
}

const partialsMax = 64;

function partialOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const object = objectOf(value);
  const pairs: string[] = [];
  for (const key of Object.keys(object).sort().slice(0, partialsMax)) {
    const text = textOf(own(object, key));
    if (text !== undefined && !isWithheld(text)) pairs.push(key, text.slice(0, fingerprintTextCharactersMax));
  }
  return pairs.length === 0 ? undefined : JSON.stringify(pairs);
}

/**
 * How often each key has come. Two million keys in a Map of strings would take 200 MB; this table takes 12 bytes for each of its slots.
 * It looks at 64 bits of the key: should two ever agree in those, one gets a number it need not have had, and is still told apart.
 */
export function createOccurrences(): { next(key: string): number } {
  let capacity = 4_096;
  let size = 0;
  let keys = new Uint32Array(capacity * 2);
  let counts = new Uint32Array(capacity);

  function slotOf(high: number, low: number): number {
    let slot = high & (capacity - 1);
    while (counts[slot] !== 0 && (keys[slot * 2] !== high || keys[slot * 2 + 1] !== low)) slot = (slot + 1) & (capacity - 1);
    return slot;
  }

  function grow(): void {
    const [oldKeys, oldCounts] = [keys, counts];
    capacity *= 2;
    keys = new Uint32Array(capacity * 2);
    counts = new Uint32Array(capacity);
    for (let old = 0; old < oldCounts.length; old += 1) {
      if (oldCounts[old] === 0) continue;
      const slot = slotOf(oldKeys[old * 2] as number, oldKeys[old * 2 + 1] as number);
      keys[slot * 2] = oldKeys[old * 2] as number;
      keys[slot * 2 + 1] = oldKeys[old * 2 + 1] as number;
      counts[slot] = oldCounts[old] as number;
    }
  }

  return {
    next(key) {
      const high = Number.parseInt(key.slice(0, 8), 16);
      const low = Number.parseInt(key.slice(8, 16), 16);
      const slot = slotOf(high, low);
      const count = counts[slot] as number;
      counts[slot] = count + 1;
      if (count > 0) return count;
      keys[slot * 2] = high;
      keys[slot * 2 + 1] = low;
      size += 1;
      if (size * 5 > capacity * 3) grow();
      return 0;
    },
  };
}
