import { hmacSha256 } from '../../hmac.ts';
import type { Scheme } from './secret.ts';
import { standardKey } from './secret.ts';

/**
 * Standard Webhooks: `webhook-id`, `webhook-timestamp`, and `webhook-signature` with one `v1,<base64>` over `id.timestamp.body` for each secret
 * that signs now, the newest first. Receivers accept any of them, so that they may change to the new secret whenever they like.
 */
export const standardWebhooks: Scheme = ({ id, timestampSeconds, body, secrets }) => {
  const sign = (secret: string) => `v1,${hmacSha256(standardKey(secret), `${id}.${timestampSeconds}.`, body).toString('base64')}`;
  const signatures = [secrets.current, secrets.previous].filter((secret) => secret !== null).map(sign);
  return { 'webhook-id': id, 'webhook-timestamp': String(timestampSeconds), 'webhook-signature': signatures.join(' ') };
};
