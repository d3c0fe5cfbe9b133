import { GatepostError } from '../../src/errors.ts';

/** The code of the error that something fails with, or null: it does not fail. */
export function codeOf(act: () => unknown): string | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof GatepostError) return error.code;
    throw error;
  }
}
