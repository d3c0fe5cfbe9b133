import { link, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { GatepostError } from '../../errors.ts';
import { isUuid } from '../../identifiers.ts';

/** Where a store's files lie. Temporary names are in the same tree, so that a rename is one step and a sweep finds what a crash left. */
export const incomingName = '.incoming';
export const markerName = '.gatepost-artifacts';
/** What is known to be damaged has this behind its name. */
export const damagedSuffix = '.damaged';

const sha256Text = /^[0-9a-f]{64}$/;

export function isSha256(text: string): boolean {
  return sha256Text.test(text);
}

/** An organization's directory. Refuses every name that is no UUID, so that none can lead elsewhere. */
export function organizationDirectory(root: string, organization: string): string {
  if (!isUuid(organization)) throw new GatepostError('internal', 'artifact_name_invalid', 'The organization is no UUID.');
  return join(root, organization.toLowerCase());
}

export function objectPath(root: string, organization: string, sha256: string): string {
  if (!isSha256(sha256)) throw new GatepostError('internal', 'artifact_name_invalid', 'The name is no SHA-256.');
  return join(organizationDirectory(root, organization), sha256);
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The disk is full, a quota is reached or a file may not be that large: one error for the three. */
export function asStorageError(error: unknown): unknown {
  if (!fullCodes.has(errorCode(error))) return error;
  return new GatepostError('storage_full', 'storage_full', 'The storage for artefacts is full.', { retryAfterSeconds: 60, cause: error });
}

/** Makes a directory's entries durable: a file's own fsync says nothing about its name. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

const linkRefused = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Gives a finished file its name, unless another has it already; says whether it did. A file system without hard links renames instead: there
 * the later of two wins, with the same bytes.
 */
export async function nameOnce(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    if (!linkRefused.has(errorCode(error))) throw error;
    await rename(temporary, path);
    return true;
  }
}
