import type { Git } from '../git/git.ts';

/** Logins of mail addresses, by the address as it was asked for, or in lower case; what has none is not in it. Asked once a push, each address once. */
export type Logins = (emails: readonly string[]) => Promise<ReadonlyMap<string, string>>;

/** Where facts are read from. */
export interface FactsSource {
  readonly git: Git;
  /** Its id. */
  readonly repository: string;
}

/** A ref that moved, or moves. 40 zeros where there was, or is, none. */
export interface MovedRef {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
}

/** Nobody has a login. */
export const noLogins: Logins = () => Promise.resolve(new Map());
