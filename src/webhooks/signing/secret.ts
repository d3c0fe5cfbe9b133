import { randomBytes } from 'node:crypto';

/** Standard Webhooks asks for 24 to 64 random bytes. */
const generatedBytes = 32;
const prefix = 'whsec_';
/** How much of a secret is shown to recognise it by. */
const tailCharacters = 4;
/** Shorter secrets show no tail: it would be too much of them. */
const tailOfSecretsFrom = 16;

/** The secrets of a webhook that sign now. `previous` signs beside the new one until its overlap ends; null where there is none. */
export interface LiveSecrets {
  readonly current: string;
  readonly previous: string | null;
}

/** What every scheme is given. The body is signed byte for byte as it is sent. */
export interface Signable {
  /** The delivery's id, the same over all attempts. */
  readonly id: string;
  readonly timestampSeconds: number;
  readonly body: Uint8Array;
  readonly secrets: LiveSecrets;
}

/** A way of signing: a pure function to the headers that carry the signature. */
export type Scheme = (signable: Signable) => Readonly<Record<string, string>>;

export function generateSecret(): string {
  return prefix + randomBytes(generatedBytes).toString('base64');
}

/**
 * The key bytes that Standard Webhooks signs with: what stands behind `whsec_`, decoded; for any other text its UTF-8. What only looks like
 * `whsec_` but holds no base64 is such other text.
 */
export function standardKey(secret: string): Buffer {
  const encoded = secret.startsWith(prefix) ? secret.slice(prefix.length) : '';
  const wellFormed = encoded !== '' && encoded.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(encoded);
  return wellFormed ? Buffer.from(encoded, 'base64') : Buffer.from(secret, 'utf8');
}

/** The last characters of a secret, to recognise it by. Empty for one so short that they would give it away. */
export function tailOf(secret: string): string {
  return secret.length < tailOfSecretsFrom ? '' : secret.slice(-tailCharacters);
}
