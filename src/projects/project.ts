import { invalid } from '../errors.ts';

/** What is analysed. */
export interface Project {
  readonly id: string;
  /** SonarQube's: unique in the organization, never changed. */
  readonly key: string;
  readonly name: string;
  /** How many versions of a branch are kept; null: all. */
  readonly retentionVersions: number | null;
  /** How many days a version is kept; null: for ever. */
  readonly retentionDays: number | null;
  /** The quality gate that it chose; null: the organization's default. */
  readonly gate: string | null;
  readonly created: number;
}

export const projectKeyCharactersMax = 400;
export const retentionVersionsMax = 100_000;
export const retentionDaysMax = 36_500;

/** SonarQube's rule: ASCII letters, digits, `-`, `_`, `.` and `:`, and not digits alone. Fails with `invalid_project_key`. */
export function checkedProjectKey(key: string): string {
  if (key.length > projectKeyCharactersMax || !/^[A-Za-z0-9_.:-]*$/.test(key) || /^\d*$/.test(key)) {
    throw invalid(
      'invalid_project_key',
      `A project key has 1 to ${projectKeyCharactersMax} ASCII letters, digits, "-", "_", "." or ":", at least one of them no digit.`,
      { field: 'key', charactersMax: projectKeyCharactersMax },
    );
  }
  return key;
}
