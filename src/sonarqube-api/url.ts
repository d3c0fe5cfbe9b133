import type { Guard } from '../webhooks/delivery/guard.ts';
import { refused } from './words.ts';

const userInfo = /^(https?:[/\\]*)([^/\\?#]*)@/i;

/**
 * The URL if SonarQube would take it for one (contract section 4, `create`) and our guard lets webhooks go there. Fails in SonarQube's words: the
 * text, loopback and wildcard, any other address that is refused. A name that does not resolve now is taken.
 */
export async function reachableUrl(guard: Guard, text: string): Promise<URL> {
  const url = parsed(text);
  if (url === null) throw refused.badUrl(text);
  const reason = await guard.refusesNow(url);
  if (reason === null) return url;
  // `loopback`, or wrapped in another address: `ipv4_mapped:loopback`.
  throw /(^|:)(loopback|unspecified)$/.test(reason) ? refused.loopback() : refused.address();
}

/** `http:host` and `http:\\host` are taken, as over there. A host with an empty part, and port 0, are not: there URL parsers differ. */
function parsed(text: string): URL | null {
  const url = /^https?:/i.test(text) ? URL.parse(text) : null;
  if (url === null || url.port === '0') return null;
  const host = url.hostname.replace(/\.$/, '');
  return host === '' || host.startsWith('.') || host.includes('..') || /[\t\n\r]/.test(text) ? null : url;
}

/** Each character of user and password as an asterisk, all else as it was written (contract section 3). */
export function maskedUrl(text: string): string {
  return text.replace(userInfo, (_all, start: string, user: string) => `${start}${user.replaceAll(/[^:]|(?<=:.*):/g, '*')}@`);
}

/**
 * What an update means by its URL: undefined where it is the one that is there, be it masked. A masked user and password of the same server are
 * those that are there, so that a form that was filled with what the list shows does not destroy them. They never go to another server.
 */
export function updatedUrl(now: string, given: string): string | undefined {
  if (given === now || given === maskedUrl(now)) return undefined;
  const [, , mine] = userInfo.exec(now) ?? [];
  const [whole = '', start = '', shown] = userInfo.exec(given) ?? [];
  const [, , masked] = userInfo.exec(maskedUrl(now)) ?? [];
  const isSame = mine !== undefined && shown === masked && URL.parse(given)?.origin === URL.parse(now)?.origin;
  return isSame ? `${start}${mine}@${given.slice(whole.length)}` : given;
}
