import { hmacSha256 } from '../../hmac.ts';
import type { Scheme } from './secret.ts';

/**
 * `sha256=<hex HMAC-SHA256 of the body>` in the header of that name; the key is the secret's text as it stands, `whsec_` included. It holds one
 * value only, so while a secret is being changed it signs with the old one, and `<name>-next` carries the new one's.
 */
export function plainHex(header: string): Scheme {
  return ({ body, secrets }) => {
    const sign = (secret: string) => `sha256=${hmacSha256(secret, body).toString('hex')}`;
    if (secrets.previous === null) return { [header]: sign(secrets.current) };
    return { [header]: sign(secrets.previous), [`${header}-next`]: sign(secrets.current) };
  };
}
