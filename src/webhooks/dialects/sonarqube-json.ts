/** Characters that SonarQube writes as escapes wherever they stand, so that JSON may lie in HTML and in scripts (its contract, 1.2). */
const unsafe = /[<>&='\u2028\u2029]/g;

const escapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '=': '\\u003d',
  "'": '\\u0027',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/**
 * Compact JSON as SonarQube writes it: `undefined` is left out, empty texts are kept, the characters above are escaped, everything else outside of
 * ASCII goes out as it is. None of those characters stands anywhere in JSON but inside a text.
 */
export function sonarqubeJson(value: object): string {
  return JSON.stringify(value).replace(unsafe, (character) => escapes[character] ?? character);
}

const rfc3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:[Zz]|([+-]\d{2}):?(\d{2}))$/;

/**
 * `yyyy-MM-dd'T'HH:mm:ssZ`: whole seconds (what is below is cut off) and an offset without a colon, the one that the time came with; UTC is
 * `+0000` (contract 1.2). A text that is no such time stays as it is.
 */
export function sonarqubeDate(text: string): string {
  const [, day, time, hours = '+00', minutes = '00'] = rfc3339.exec(text) ?? [];
  if (day === undefined || time === undefined) return text;
  const offset = `${hours}${minutes}`;
  return `${day}T${time}${offset === '-0000' ? '+0000' : offset}`;
}

/** Form encoding as Java's URLEncoder does it (UTF-8): letters, digits and `*-._` stay, a blank is `+`, all else is percent-encoded. */
export function formEncoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('%20', '+')
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
