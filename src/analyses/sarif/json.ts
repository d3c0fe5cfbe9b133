/** What was parsed, before anyone knows what it is. Fixed property names only: a name that comes from the file is asked for with `own`. */
export type JsonObject = Readonly<Record<string, unknown>>;

const nothing: JsonObject = {};

/** The value where it is an object, else an empty one: a scanner that writes a part wrongly loses that part, not the finding. */
export function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : nothing;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** A text that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A whole number from 0 on: an index. SARIF's -1 for "none" is none. */
export function indexOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** A property of its own, never one of the prototype: `constructor` is no message string. */
export function own(value: JsonObject, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

/**
 * Text that databases and files take: no half of a surrogate pair, no U+0000 (both become U+FFFD), at most so many characters.
 * What is cut off is not kept alive behind the rest.
 */
export function clean(text: string, charactersMax: number): string {
  let kept = text;
  if (text.length > charactersMax) {
    const lead = text.charCodeAt(charactersMax - 1);
    const cut = lead >= 0xd800 && lead <= 0xdbff ? charactersMax - 1 : charactersMax;
    kept = Buffer.from(text.slice(0, cut), 'utf16le').toString('utf16le');
  }
  const whole = kept.isWellFormed() ? kept : kept.toWellFormed();
  return whole.includes('\u0000') ? whole.replaceAll('\u0000', '\ufffd') : whole;
}

/** `clean`, or undefined where there is no text. */
export function cleanOf(value: unknown, charactersMax: number): string | undefined {
  const text = textOf(value);
  return text === undefined ? undefined : clean(text, charactersMax);
}

const urlCharactersMax = 2_048;

/** An http or https address, else undefined. */
export function webAddressOf(value: unknown): string | undefined {
  const text = textOf(value)?.trim();
  if (text === undefined || text.length > urlCharactersMax || !/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text).href;
}
