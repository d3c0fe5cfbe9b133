import type { Language } from '../report.ts';
import en from './messages/en.json' with { type: 'json' };
import fr from './messages/fr.json' with { type: 'json' };
import ja from './messages/ja.json' with { type: 'json' };
import ko from './messages/ko.json' with { type: 'json' };
import ru from './messages/ru.json' with { type: 'json' };

export type MessageKey = keyof typeof en;
/** A text, or one text for each plural form that the language has, chosen by `{count}`. */
export type Message = string | Readonly<Record<string, string>>;
export type Catalogue = Readonly<Record<MessageKey, Message>>;
export type MessageValues = Readonly<Record<string, string | number>>;

export const catalogues: Readonly<Record<Language, Catalogue>> = { en, fr, ja, ko, ru };

export function isMessageKey(key: string): key is MessageKey {
  return Object.hasOwn(en, key);
}

/** All that depends on the language of a report. The same input gives the same text, whatever the host's locale and time zone. */
export interface Texts {
  readonly language: Language;
  /** The text of `key`, its `{names}` replaced; a number is written in the language's way. A name without a value is an error. */
  say(key: MessageKey, values?: MessageValues): string;
  number(value: number): string;
  /** `22 November 2026 at 10:05 UTC`, in the language. What is no date comes back as it is. */
  moment(rfc3339: string): string;
  /** `2026-11-22` in UTC: short, and the same in every language. What is no date comes back as it is. */
  day(rfc3339: string): string;
  /** `a, b, c`, with the language's comma. */
  list(items: readonly string[]): string;
}

export function textsOf(language: Language): Texts {
  const catalogue = catalogues[language];
  const plural = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  const moments = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', hourCycle: 'h23', timeZone: 'UTC' });
  const separator = language === 'ja' ? '、' : ', ';

  const number = (value: number): string => numbers.format(value);
  const say = (key: MessageKey, values: MessageValues = {}): string => {
    const message = catalogue[key];
    return fill(key, typeof message === 'string' ? message : pluralForm(key, message, plural, values), values, number);
  };
  return {
    language,
    say,
    number,
    moment: (text) => formatted(text, (date) => say('value.utc', { date: moments.format(date) })),
    day: (text) => formatted(text, (date) => date.toISOString().slice(0, 10)),
    list: (items) => items.join(separator),
  };
}

function pluralForm(key: string, forms: Readonly<Record<string, string>>, plural: Intl.PluralRules, values: MessageValues): string {
  const { count } = values;
  const form = typeof count === 'number' ? forms[plural.select(count)] : undefined;
  if (form === undefined) {
    throw new Error(`report text ${key}: no plural form for ${String(count)}`);
  }
  return form;
}

function fill(key: string, text: string, values: MessageValues, number: (value: number) => string): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) {
      throw new Error(`report text ${key}: no value for {${name}}`);
    }
    return typeof value === 'number' ? number(value) : value;
  });
}

function formatted(text: string, format: (date: Date) => string): string {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? text : format(new Date(ms));
}
