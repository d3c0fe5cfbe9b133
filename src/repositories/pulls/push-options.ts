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
}

/** Reads them as sent; what is not about pull requests is passed over. Naming any of them on a branch's push, `target` say, is a wish for one. */
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
  return {
    create: [...values.keys()].some((name) => name.startsWith('pull_request.')),
    target: text('pull_request.target'),
    topic: text('topic'),
    title: cut(text('pull_request.title', 'title'), titleCharactersMax, /[\p{Cc}\p{Cs}]/gu),
    body: cut(text('pull_request.body', 'description'), bodyCharactersMax, /[\0\p{Cs}]/gu),
  };
}

function cut(text: string | null, charactersMax: number, unfit: RegExp): string | null {
  const fit = text?.replaceAll(unfit, ' ').trim().slice(0, charactersMax).toWellFormed().normalize('NFC') ?? '';
  return fit === '' ? null : fit;
}
