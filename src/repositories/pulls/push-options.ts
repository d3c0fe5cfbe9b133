import { bodyCharactersMax, titleCharactersMax } from './pull.ts';

/** What push options say of a pull request. */
export interface PullOptions {
  /** `pull_request.create`: of a branch that is pushed. */
  readonly create: boolean;
  /** `pull_request.target=<branch>`; null: the default branch. */
  readonly target: string | null;
  /** `topic=<name>`, of refs/for. */
  readonly topic: string | null;
  /** `pull_request.title=`, `pull_request.body=`; for refs/for also `title=` and `description=`. Cut where they are too long. */
  readonly title: string | null;
  readonly body: string | null;
  /** What of them is passed over or cut: lines for whoever pushes. */
  readonly notes: readonly string[];
}

/** Options that are read. */
const knownNames: ReadonlySet<string> = new Set([
  'pull_request.create',
  'pull_request.target',
  'pull_request.title',
  'pull_request.body',
  'topic',
  'title',
  'description',
]);
/** So many that are not known are named. */
const namedMax = 5;
const namedCharactersMax = 60;

/** Reads them as sent; what is not about pull requests is passed over, and said to be. Naming any of them on a branch's push, `target` say, is a wish for one. */
export function pullOptions(options: readonly string[]): PullOptions {
  const values = new Map<string, string>();
  for (const option of options) {
    const equals = option.indexOf('=');
    const name = equals < 0 ? option : option.slice(0, equals);
    values.set(name, equals < 0 ? '' : option.slice(equals + 1));
  }
  const text = (...names: readonly string[]): string | null => {
    const name = names.find((one) => (values.get(one) ?? '').trim() !== '');
    return name === undefined ? null : (values.get(name) ?? null);
  };
  const [title, body] = [text('pull_request.title', 'title'), text('pull_request.body', 'description')];
  return {
    create: [...values.keys()].some((name) => name.startsWith('pull_request.') && knownNames.has(name)),
    target: text('pull_request.target'),
    topic: text('topic'),
    title: cut(title, titleCharactersMax, /[\p{Cc}\p{Cs}]/gu),
    body: cut(body, bodyCharactersMax, /[\0\p{Cs}]/gu),
    notes: [
      ...unknownNotes([...values.keys()]),
      ...cutNotes('title', title, titleCharactersMax),
      ...cutNotes('text', body, bodyCharactersMax),
    ],
  };
}

function unknownNotes(names: readonly string[]): readonly string[] {
  const unknown = names.filter((name) => !knownNames.has(name));
  const named = unknown.slice(0, namedMax).map((name) => `"${name.replaceAll(/[\p{Cc}\p{Cs}]/gu, ' ').slice(0, namedCharactersMax)}"`);
  const more = unknown.length > namedMax ? ` and ${unknown.length - namedMax} more` : '';
  return unknown.length === 0 ? [] : [`Not known here, and passed over: push option ${named.join(', ')}${more}.`];
}

function cutNotes(what: string, text: string | null, charactersMax: number): readonly string[] {
  return (text ?? '').trim().length > charactersMax ? [`The ${what} of the pull request was cut to ${charactersMax} characters.`] : [];
}

function cut(text: string | null, charactersMax: number, unfit: RegExp): string | null {
  const fit = text?.replaceAll(unfit, ' ').trim().slice(0, charactersMax).toWellFormed().normalize('NFC') ?? '';
  return fit === '' ? null : fit;
}
