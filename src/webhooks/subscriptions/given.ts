import { invalid } from '../../errors.ts';
import { checkedAuthorities } from '../delivery/authorities.ts';
import type { Guard } from '../delivery/guard.ts';
import { parseProxyUrl } from '../delivery/proxy.ts';
import type { SendingChange } from './sending.ts';
import { mask, parseWebhookUrl } from './url.ts';

/** The URL if it keeps the rules and may be reached. Fails with `invalid_url` and `address_refused`. */
export async function checkedUrl(guard: Guard, text: string): Promise<URL> {
  return reachable(guard, parseWebhookUrl(text), 'url');
}

async function reachable(guard: Guard, url: URL, field: 'url' | 'proxy'): Promise<URL> {
  const reason = await guard.refusesNow(url);
  if (reason === null) return url;
  throw invalid('address_refused', 'Webhooks may not reach that address. The operator can allow it by GATEPOST_WEBHOOKS_ALLOW.', {
    field,
    reason,
  });
}

/** How deliveries are to be sent, as it came. */
export type SendingGiven = Omit<SendingChange, 'proxy'> & { readonly proxy?: string | null };

/** The same, checked but for the headers, which the store compares with those it has. Fails with `invalid_proxy`, `address_refused`, `invalid_ca`. */
export async function checkedSending(guard: Guard, given: SendingGiven): Promise<SendingChange> {
  const { retry, ordered, rateLimit, headers, proxy, ca } = given;
  return {
    ...(retry === undefined ? {} : { retry }),
    ...(ordered === undefined ? {} : { ordered }),
    ...(rateLimit === undefined ? {} : { rateLimit }),
    ...(headers === undefined ? {} : { headers }),
    ...(proxy === undefined ? {} : { proxy: proxy === null ? null : await checkedProxy(guard, proxy) }),
    ...(ca === undefined ? {} : { ca: ca === null ? null : checkedAuthorities(ca) }),
  };
}

async function checkedProxy(guard: Guard, text: string): Promise<URL> {
  if (!text.includes(mask)) return reachable(guard, parseProxyUrl(text), 'proxy');
  throw invalid('invalid_proxy', `The proxy's URL holds ${mask} where a secret was not shown: give it whole.`, { field: 'proxy' });
}
