/** What differs between SQLite and PostgreSQL, by name, so that a store never asks which of the two it speaks to. */
export interface Facts {
  /** Several processes may hold work of one database: claims must skip each other's rows. */
  readonly manyNodes: boolean;
  /** Values that one statement takes at most. */
  readonly parametersMax: number;
}

export const sqliteFacts: Facts = { manyNodes: false, parametersMax: 32_000 };
export const postgresFacts: Facts = { manyNodes: true, parametersMax: 60_000 };
