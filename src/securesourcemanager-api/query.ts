import { invalidArgument } from './errors.ts';

// What stands behind the question mark, as Google's APIs read it: their own parameters may come with every call, all others are the method's.

/** Taken with every call and not heeded: what they ask for is what is answered anyway, or nothing of ours. */
const systemParameters: ReadonlySet<string> = new Set([
  '$.xgafv',
  '$alt',
  '$prettyPrint',
  '$userProject',
  'access_token',
  'alt',
  'callback',
  'fields',
  'key',
  'oauth_token',
  'prettyPrint',
  'quotaUser',
  'uploadType',
  'upload_protocol',
  'userProject',
]);

export interface Query {
  /** The value of a parameter of the method; undefined where it did not come, or came empty. */
  get(name: string): string | undefined;
  /** Whole number of at least 0; undefined where it did not come. */
  integer(name: string): number | undefined;
  /** Enums as numbers: what clients that were generated ask for by `$alt=json;enum-encoding=int`. */
  readonly areEnumsNumbers: boolean;
  readonly isPretty: boolean;
}

/**
 * The query of a call whose parameters are these, named in camelCase; each may come in snake_case, too. Fails with INVALID_ARGUMENT for one that is
 * not known, that comes twice, or for another encoding than JSON.
 */
export function readQuery(url: string, names: readonly string[]): Query {
  const question = url.indexOf('?');
  const given = new URLSearchParams(question < 0 ? '' : url.slice(question + 1));
  const values = new Map<string, string>();
  for (const [spelled, value] of given) {
    if (systemParameters.has(spelled)) continue;
    const name = names.find((one) => one === spelled || snakeCase(one) === spelled);
    if (name === undefined) throw invalidArgument(`Unknown query parameter "${spelled}".`, { field: spelled });
    if (values.has(name)) throw invalidArgument(`The query parameter "${name}" comes twice.`, { field: name });
    values.set(name, value);
  }
  const [encoding = 'json', ...options] = (given.get('$alt') ?? given.get('alt') ?? 'json').split(';');
  if (encoding !== 'json') throw invalidArgument('Answers are JSON: "alt" can be nothing else.', { field: 'alt' });
  const get = (name: string): string | undefined => values.get(name) || undefined;
  return {
    get,
    integer(name) {
      const text = get(name);
      if (text === undefined) return undefined;
      if (!/^\d{1,9}$/.test(text)) throw invalidArgument(`"${name}" is a whole number of at least 0.`, { field: name });
      return Number(text);
    },
    areEnumsNumbers: options.includes('enum-encoding=int'),
    isPretty: (given.get('$prettyPrint') ?? given.get('prettyPrint') ?? 'true') !== 'false',
  };
}

/** `pushOption` as `push_option`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
