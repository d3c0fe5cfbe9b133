import type { KeyObject } from 'node:crypto';
import { createCipheriv, createDecipheriv, createHash, createSecretKey, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { GatepostError } from './errors.ts';
import { hmacSha256 } from './hmac.ts';

export const secretKeyFile = 'secret.key';
const keyBytes = 32;

/** Encrypts what must not lie in the database in clear: webhook secrets, sensitive URLs, answers that hold a token. */
export interface Sealer {
  /** `boundTo` names the row and column it belongs to, so that a sealed text moved elsewhere does not open. */
  seal(text: string, boundTo: string): string;
  /** Fails with `secret_unreadable` where the text was changed, moved, or sealed under another key. */
  open(sealed: string, boundTo: string): string;
}

/** AES-256-GCM under a key derived from the secret key. */
export function createSealer(secretKey: Uint8Array): Sealer {
  const key: KeyObject = createSecretKey(hmacSha256(secretKey, 'gatepost: sealing at rest, version 1'));
  return {
    seal(text, boundTo) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(boundTo));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return `s1.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`;
    },
    open(sealed, boundTo) {
      const bytes = Buffer.from(sealed.startsWith('s1.') ? sealed.slice(3) : '', 'base64url');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
        decipher.setAAD(Buffer.from(boundTo)).setAuthTag(bytes.subarray(12, 28));
        return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
      } catch (error) {
        throw new GatepostError('internal', 'secret_unreadable', 'A stored secret does not open with the secret key in use.', {
          cause: error,
        });
      }
    },
  };
}

/** What tells one key from another without telling the key. Kept in the database, so that a start with another key is refused. */
export function keyFingerprint(secretKey: Uint8Array): string {
  return createHash('sha256').update('gatepost: fingerprint, version 1').update(secretKey).digest('hex').slice(0, 32);
}

/**
 * The key of the data directory; made on the first start, readable by its owner alone. Two processes that start at once end with the same.
 * Fails with `secret_key_unreadable` where the file holds no key, and with `secret_key_open` where others may read it.
 */
export function readOrMakeSecretKey(directory: string): Buffer {
  const path = join(directory, secretKeyFile);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return readKey(path) ?? makeKey(path);
}

/** Whether the data directory has a key file, readable or not. */
export function hasSecretKey(directory: string): boolean {
  return existsSync(join(directory, secretKeyFile));
}

function readKey(path: string): Buffer | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
      throw new GatepostError('internal', 'secret_key_open', `Others may read ${path}; make it readable by its owner alone (chmod 600).`);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== keyBytes) {
    throw new GatepostError('internal', 'secret_key_unreadable', `${path} does not hold 32 bytes as base64; put the right key back.`);
  }
  return bytes;
}

function makeKey(path: string): Buffer {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(file, `${randomBytes(keyBytes).toString('base64')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    // A link never replaces: of two processes that start at once, the second takes the first one's key.
    linkSync(temporary, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    unlinkSync(temporary);
  }
  const made = readKey(path);
  if (made === null) throw new Error('The key file vanished while it was made.');
  return made;
}
