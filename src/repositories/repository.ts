import { invalid } from '../errors.ts';

/** The limits of one repository. Null: the server's (its settings). */
export interface RepositoryLimits {
  /** On disk, whole. */
  readonly bytesMax: number | null;
  /** Of one object, unpacked. */
  readonly objectBytesMax: number | null;
  /** Branches, tags and all other refs. */
  readonly refsMax: number | null;
}

/** What the server allows any repository. */
export type LimitsMax = { readonly [K in keyof RepositoryLimits]: number };

/** A repository that can be pushed to. Its directory is made of its id and of nothing else, so that no name ever names a path. */
export interface Repository {
  readonly id: string;
  /** Unique on the server, for dialects that want a whole number. */
  readonly number: number;
  /** Organization id. */
  readonly organization: string;
  readonly slug: string;
  readonly name: string;
  readonly description: string;
  /** The project whose analyses are of its commits, or null. */
  readonly project: { readonly id: string; readonly key: string } | null;
  /** Without `refs/heads/`. It need not be there yet. */
  readonly defaultBranch: string;
  /** Nothing may be pushed, opened or merged. */
  readonly archived: boolean;
  readonly limits: RepositoryLimits;
  /** On disk, as last counted. */
  readonly bytes: number;
  /** The data directory that holds it: `database.node` of one server. */
  readonly node: string;
  readonly created: number;
  readonly updated: number;
  /** When a ref last moved; null: never. */
  readonly pushed: number | null;
}

/** What holds for a repository: its own limits, none above the server's. */
export function limitsOf({ limits }: Pick<Repository, 'limits'>, server: LimitsMax): LimitsMax {
  return {
    bytesMax: Math.min(limits.bytesMax ?? server.bytesMax, server.bytesMax),
    objectBytesMax: Math.min(limits.objectBytesMax ?? server.objectBytesMax, server.objectBytesMax),
    refsMax: Math.min(limits.refsMax ?? server.refsMax, server.refsMax),
  };
}

export const repositoryNameCharactersMax = 100;
export const descriptionCharactersMax = 2_000;
/** Of a ref's whole name, in bytes: what a file system takes as one part of a path, less what git puts behind it (`.lock`). */
export const refNameBytesMax = 250;
export const defaultBranchName = 'main';

/** What git, a web server or a browser would read as something else behind a name. */
const endingsNotOurs = /\.(git|lock|atom|diff|patch|bundle)$/i;

/**
 * ASCII letters, digits, `-`, `_` and `.`, the first a letter or digit, no `..`, no ending that a link would be misread by. Fails with
 * `invalid_repository_name`. Google's names are among them.
 */
export function checkedRepositoryName(name: string): string {
  const isFine = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && !name.includes('..') && !/[.]$/.test(name) && !endingsNotOurs.test(name);
  if (name.length > repositoryNameCharactersMax || !isFine) {
    throw invalid(
      'invalid_repository_name',
      `A repository name has 1 to ${repositoryNameCharactersMax} ASCII letters, digits, "-", "_" or ".", begins with a letter or digit, and ends neither with "." nor with ".git", ".lock", ".atom", ".diff", ".patch" or ".bundle".`,
      { field: 'name', charactersMax: repositoryNameCharactersMax },
    );
  }
  return name;
}

/** Two names that differ in case alone are one name: file systems and people take them for one. */
export function nameKey(name: string): string {
  return name.toLowerCase();
}

/** Fails with `invalid_description`. */
export function checkedDescription(text: string): string {
  const trimmed = text.trim().normalize('NFC');
  if (trimmed.length > descriptionCharactersMax || /[\p{Cc}\p{Cs}]/u.test(trimmed.replaceAll(/[\t\n\r]/g, ''))) {
    throw invalid('invalid_description', `A description has at most ${descriptionCharactersMax} characters and no control characters.`, {
      field: 'description',
      charactersMax: descriptionCharactersMax,
    });
  }
  return trimmed;
}

/**
 * Whether git takes this as a ref's whole name (git-check-ref-format), and we do: begins with `refs/`, has a third part, is UTF-8 without control
 * characters, and no longer than `refNameBytesMax`.
 */
export function isRefName(ref: string): boolean {
  if (!ref.startsWith('refs/') || Buffer.byteLength(ref) > refNameBytesMax || !ref.isWellFormed()) return false;
  const parts = ref.split('/');
  if (parts.length < 3 || ref.endsWith('.') || ref.includes('..') || ref.includes('@{')) return false;
  if (/[\p{Cc}\u007f ~^:?*[\\]/u.test(ref)) return false;
  return parts.every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}

/** A branch's short name. One that begins with `-`, or is `HEAD`, is refused too: commands would read it as something else. */
export function isBranchName(name: string): boolean {
  return !name.startsWith('-') && name !== 'HEAD' && name !== '@' && isRefName(`refs/heads/${name}`);
}

/** A default branch, by its short name: `refs/heads/main` would be a branch of that name. Fails with `invalid_branch`. */
export function checkedDefaultBranch(name: string): string {
  const field = 'defaultBranch';
  if (name.startsWith('refs/')) throw invalid('invalid_branch', 'Name the branch alone, such as "main", without "refs/heads/".', { field });
  return checkedBranchName(name, field);
}

/** A branch's short name, checked. Fails with `invalid_branch`. */
export function checkedBranchName(name: string, field = 'branch'): string {
  if (!isBranchName(name)) throw invalid('invalid_branch', 'git takes no branch of this name.', { field });
  return name;
}
