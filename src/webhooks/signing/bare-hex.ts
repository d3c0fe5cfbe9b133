import { hmacSha256 } from '../../hmac.ts';
import type { Scheme } from './secret.ts';

/**
 * Lower-case hexadecimal HMAC-SHA256 of the body and nothing before it, in the header of that name; the key is the secret's UTF-8 (SonarQube's
 * contract, section 2). As the header holds one value only, it is made with the old secret while one is being changed, and `<name>-Next` carries
 * the new one's.
 */
export function bareHex(header: string): Scheme {
  return ({ body, secrets }) => {
    const sign = (secret: string) => hmacSha256(secret, body).toString('hex');
    if (secrets.previous === null) return { [header]: sign(secrets.current) };
    return { [header]: sign(secrets.previous), [`${header}-Next`]: sign(secrets.current) };
  };
}
