/** Followed as the same POST with the same body. 303 asks for a GET, which would be no delivery. */
const followed: ReadonlySet<number> = new Set([301, 302, 307, 308]);

function isFollowed(status: number): boolean {
  return followed.has(status);
}

/** Why a redirect cannot be followed: it says nowhere, what it says is no URL, or one of neither http nor https. */
export type RedirectFault = 'location_missing' | 'location_invalid' | 'protocol_unsupported';

/**
 * Where a redirect leads, or why it leads nowhere; null: it is none that is followed. A user and a password in `Location` are dropped: they are
 * not the webhook's.
 */
export function redirectTarget(status: number, headers: Readonly<Record<string, string>>, from: URL): URL | RedirectFault | null {
  if (!isFollowed(status)) return null;
  const { location } = headers;
  if (location === undefined || location === '') return 'location_missing';
  const target = URL.parse(location, from.href);
  if (target === null) return 'location_invalid';
  if (target.protocol !== 'http:' && target.protocol !== 'https:') return 'protocol_unsupported';
  if (target.port === '0') return 'location_invalid';
  target.username = '';
  target.password = '';
  target.hash = '';
  return target;
}

const harmless: ReadonlySet<string> = new Set(['content-type', 'user-agent', 'webhook-id', 'webhook-timestamp', 'x-sonarqube-project']);

/** What may go to an origin that the webhook does not name: what tells of the delivery. No login, no signature, nothing that people have added. */
export function headersForOtherOrigin(headers: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const [name = '', value = ''] = headers.slice(index, index + 2);
    const known = name.toLowerCase();
    if (harmless.has(known) || (known.startsWith('x-gatepost-') && !known.includes('signature'))) kept.push(name, value);
  }
  return kept;
}
