import { messageCharactersMax } from '../finding.ts';
import { clean, type JsonObject, listOf, objectOf, own, textOf } from './json.ts';
import { messageStringsMax } from './limits.ts';

export interface Message {
  readonly text: string;
  readonly cut: boolean;
}

/** The message strings of a rule or component, by id: text, else markdown. */
export function messageStringsOf(value: unknown): ReadonlyMap<string, string> {
  const strings = new Map<string, string>();
  const object = objectOf(value);
  for (const id of Object.keys(object).slice(0, messageStringsMax)) {
    const entry = objectOf(own(object, id));
    const text = textOf(entry.text) ?? textOf(entry.markdown);
    if (text !== undefined) strings.set(id, clean(text, messageCharactersMax));
  }
  return strings;
}

/**
 * A result's message as text: its own, else the one its id names among the given message strings (the rule's first), with arguments filled in.
 * Undefined where there is none.
 */
export function messageOf(value: unknown, strings: readonly (ReadonlyMap<string, string> | undefined)[]): Message | undefined {
  if (typeof value === 'string') return value === '' ? undefined : bounded(value);
  const message = objectOf(value);
  const id = textOf(message.id);
  const named = id === undefined ? undefined : strings.map((map) => map?.get(id)).find((text) => text !== undefined);
  const text = textOf(message.text) ?? textOf(message.markdown) ?? named;
  if (text === undefined) return undefined;
  return bounded(filled(text, message, named === text));
}

function bounded(text: string): Message {
  return { text: clean(text, messageCharactersMax), cut: text.length > messageCharactersMax };
}

/**
 * Fills `{0}` with the arguments, and takes `{{` for `{` as the standard has it. A text that came without arguments and is no message string
 * stays as it is: many tools write code into their messages and know nothing of placeholders.
 */
function filled(text: string, message: JsonObject, isMessageString: boolean): string {
  const values = listOf(message.arguments);
  if (values.length === 0 && !isMessageString) return text;
  const parts: string[] = [];
  let length = 0;
  let from = 0;
  for (const match of text.matchAll(/\{\{|\}\}|\{(\d{1,4})\}/g)) {
    const argument = match[1] === undefined ? undefined : values[Number(match[1])];
    const whole = match[1] === undefined ? match[0].slice(1) : match[0];
    const part = text.slice(from, match.index) + (typeof argument === 'string' ? argument.slice(0, messageCharactersMax + 1) : whole);
    parts.push(part);
    length += part.length;
    from = match.index + match[0].length;
    // Thousands of placeholders with long arguments would make gigabytes of what is cut anyway.
    if (length > messageCharactersMax) return parts.join('');
  }
  return parts.join('') + text.slice(from);
}
