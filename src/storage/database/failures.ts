import { GatepostError } from '../../errors.ts';

/** What a database said, with the one thing a store may need to know: whether a unique key was broken. */
export class DatabaseError extends Error {
  /** SQLite's extended code (`SQLITE_CONSTRAINT_UNIQUE`) or PostgreSQL's SQLSTATE (`23505`). */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DatabaseError';
    this.code = code;
  }
}

const uniqueCodes: ReadonlySet<string> = new Set(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505']);

/** True where a row was refused because another one has its key: somebody else was faster. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && uniqueCodes.has(error.code);
}

/**
 * Turns what a driver throws into what callers know: a full disk is `storage_full`, a database that others hold is `database_busy`,
 * one that cannot be reached `database_unreachable`; all else stays a DatabaseError, which is shown as an internal error.
 */
export function translated(code: string, message: string, cause?: unknown): Error {
  const options = cause === undefined ? {} : { cause };
  if (code === 'SQLITE_FULL' || code === '53100' || code === 'ENOSPC') {
    return new GatepostError('storage_full', 'storage_full', 'There is no room left on the disk of the database.', options);
  }
  if (code.startsWith('SQLITE_IOERR_WRITE') || code.startsWith('SQLITE_IOERR_FSYNC') || code === 'SQLITE_IOERR_SHMSIZE') {
    return new GatepostError('storage_full', 'storage_unwritable', 'The disk of the database takes no more writes.', options);
  }
  if (code.startsWith('SQLITE_BUSY')) {
    return new GatepostError('unavailable', 'database_busy', 'The database is held by another process. Try again.', {
      ...options,
      retryAfterSeconds: 1,
    });
  }
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE' || code.startsWith('57P') || code.startsWith('08')) {
    return new GatepostError('unavailable', 'database_unreachable', 'The database cannot be reached. Try again.', {
      ...options,
      retryAfterSeconds: 1,
    });
  }
  return new DatabaseError(code, message, options);
}

/** What `pg` says without a code where the connection is gone, while a statement runs and before the next one. */
const connectionLost = /^(Connection terminated|Client (has encountered a connection error|was closed) and is not queryable)/;

/** The same for anything that was thrown. */
export function translatedError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (error instanceof GatepostError || error instanceof DatabaseError) return error;
  if (!('code' in error) || typeof error.code !== 'string') {
    return connectionLost.test(error.message) ? translated('08006', error.message, error) : error;
  }
  return translated(error.code, error.message, error);
}
