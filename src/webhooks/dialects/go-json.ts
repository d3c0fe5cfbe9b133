/** Characters that Go writes as escapes wherever they stand in a text, so that JSON may lie in HTML and in scripts. */
const unsafe = /[<>&\u2028\u2029]/g;

const escapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** One escape after another, half a surrogate pair among them. */
const halves = /\\(?:(ud[89a-f][0-9a-f]{2})|[^])/g;

/** JSON without halves of surrogate pairs, which many readers refuse. */
export function wellFormedJson(json: string): string {
  return json.includes('\\ud') ? json.replace(halves, (escape, half?: string) => (half === undefined ? escape : '\\ufffd')) : json;
}

/**
 * JSON as Go's indenting encoder writes it: two spaces, the characters above escaped, what is no Unicode replaced; the rest as it is. `undefined`
 * is left out. Those characters stand nowhere in JSON but inside a text.
 */
export function goJson(value: object): string {
  return wellFormedJson(JSON.stringify(value, null, 2).replace(unsafe, (character) => escapes[character] ?? character));
}

/** What Go writes for a time that nobody has set, and for second zero of Unix. */
export const goZero = '0001-01-01T00:00:00Z';
export const unixZero = '1970-01-01T00:00:00Z';

const rfc3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:[Zz]|([+-])(\d{2}):?(\d{2}))$/;

/**
 * Whole seconds, with the offset that the time came with; UTC is `Z`. An offset that no reader of RFC 3339 takes (a commit may say +99:00) becomes
 * UTC, and a text that is no time the one that nobody has set: receivers refuse the whole body for either.
 */
export function goTime(text: string): string {
  const [, day = '', time = '', sign, hours = '00', minutes = '00'] = rfc3339.exec(text) ?? [];
  const utc = Date.parse(`${day}T${time}Z`);
  if (Number.isNaN(utc)) return goZero;
  if (Number(hours) === 0 && Number(minutes) === 0) return `${day}T${time}Z`;
  if (Number(hours) < 24 && Number(minutes) < 60) return `${day}T${time}${sign}${hours}:${minutes}`;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return goTime(new Date(sign === '-' ? utc + offsetMs : utc - offsetMs).toISOString());
}

export function goTimeOrNull(text: string | null): string | null {
  return text === null ? null : goTime(text);
}
