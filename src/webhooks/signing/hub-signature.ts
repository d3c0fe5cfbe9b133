import { hmacSha1 } from '../../hmac.ts';
import { plainHex } from './plain-hex.ts';
import type { Scheme } from './secret.ts';

/** GitHub's signature: `sha256=<hex HMAC-SHA256 of the body>`, keyed with the secret's text. As `plainHex` does while a secret is being changed. */
export const hubSignature256: Scheme = plainHex('X-Hub-Signature-256');

/**
 * GitHub's older signature: `sha1=<hex HMAC-SHA1 of the body>`. HMAC is not broken with SHA-1, and some receivers know nothing else; it goes out
 * beside the newer one, never alone. While a secret is being changed it is made with the old one, and `<name>-next` carries the new one's.
 */
export const hubSignature: Scheme = ({ body, secrets }): Readonly<Record<string, string>> => {
  const sign = (secret: string) => `sha1=${hmacSha1(secret, body).toString('hex')}`;
  if (secrets.previous === null) return { 'X-Hub-Signature': sign(secrets.current) };
  return { 'X-Hub-Signature': sign(secrets.previous), 'X-Hub-Signature-next': sign(secrets.current) };
};
