import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { GatepostError } from './errors.ts';
import { keyFingerprint, readKey, readOrMakeSecretKey, secretKeyFile } from './secret-key.ts';

/** The key that is to be the secret key, while what was sealed under the old one is being sealed anew. */
export const nextKeyFile = `${secretKeyFile}.next`;

/** Where this process gets its keys from. */
export interface KeyPlace {
  readonly data: string;
  /** `GATEPOST_SECRET_KEY`, or null: the file in the data directory. */
  readonly secretKey: Buffer | null;
  /** `GATEPOST_SECRET_KEY_NEW`, or null. */
  readonly secretKeyNew: Buffer | null;
}

/** What a database says about its key: what tells it from others, and, while it is being changed, the same of the one to come. */
export interface KeyFacts {
  readonly fingerprint: string | null;
  readonly next: string | null;
}

/** The key that seals, and those that only open. */
export interface KeyRing {
  readonly current: Buffer;
  readonly others: readonly Buffer[];
}

/** The names of these facts among a database's settings. */
export const keyFactNames = { fingerprint: 'secret_key_fingerprint', next: 'secret_key_next' } as const;

/**
 * The keys that this database's secrets open with. Makes the key file where the database is new. A change of key that broke off leaves two keys,
 * both of which are needed: the ring then holds both. One that broke off after its last row is ended here: the new key takes the old one's place.
 * Fails with `secret_key_lost`, `secret_key_other` and `secret_key_next_missing`; nothing is changed then.
 */
export function openKeyRing(place: KeyPlace, facts: KeyFacts): KeyRing {
  if (facts.fingerprint === null) return { current: place.secretKey ?? readOrMakeSecretKey(place.data), others: [] };
  const ring = findKeyRing(place, { fingerprint: facts.fingerprint, next: facts.next });
  if (place.secretKey === null) promoteNextKey(place.data, facts.fingerprint);
  return ring;
}

/** The same for those who only look: changes no file. */
export function findKeyRing(place: KeyPlace, facts: KeyFacts & { readonly fingerprint: string }): KeyRing {
  const keys = keysOf(place);
  if (keys.length === 0) {
    throw new GatepostError(
      'invalid',
      'secret_key_lost',
      'The secret key of this database is missing: put secret.key back into the data directory, or set GATEPOST_SECRET_KEY. Nothing was changed.',
    );
  }
  const current = keys.find((key) => keyFingerprint(key) === facts.fingerprint);
  if (current === undefined) {
    throw new GatepostError(
      'invalid',
      'secret_key_other',
      'This is not the secret key that the database was made with: its secrets would not open. Put the right key back (GATEPOST_SECRET_KEY, or secret.key in the data directory).',
    );
  }
  if (facts.next === null) return { current, others: [] };
  const next = keys.find((key) => keyFingerprint(key) === facts.next);
  if (next !== undefined) return { current, others: [next] };
  throw new GatepostError(
    'invalid',
    'secret_key_next_missing',
    `The secret key is being changed, and some secrets are under the new one already: it is missing. Put it back (GATEPOST_SECRET_KEY_NEW, or ${nextKeyFile} in the data directory) and run gatepost rotate-key again.`,
  );
}

function keysOf({ data, secretKey, secretKeyNew }: KeyPlace): readonly Buffer[] {
  const files = secretKey === null ? [secretKeyFile, nextKeyFile].map((name) => readKey(join(data, name))) : [secretKey];
  return [...files, secretKeyNew].filter((key) => key !== null);
}

/** Puts the new key into the old one's place, in one step, if it is the key with this fingerprint. Answers whether it was. */
export function promoteNextKey(directory: string, fingerprint: string): boolean {
  const from = join(directory, nextKeyFile);
  const next = readKey(from);
  if (next === null || keyFingerprint(next) !== fingerprint) return false;
  renameSync(from, join(directory, secretKeyFile));
  // Opening a directory is refused on Windows, where the rename is durable without it.
  if (process.platform === 'win32') return true;
  const folder = openSync(directory, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
  return true;
}
