import type { Sealer } from '../../secret-key.ts';
import { hasSecrets } from './url.ts';

/** Where the sealed texts of a webhook belong, so that one that was moved to another row or column does not open. */
export function sealedIn(webhook: string) {
  const url = `webhooks/${webhook}/url`;
  return {
    secret: `webhooks/${webhook}/secret`,
    previousSecret: `webhooks/${webhook}/previous_secret`,
    /** A URL lies in clear unless it holds a user, a password or a query. */
    sealUrl: (sealer: Sealer, given: URL): string => (hasSecrets(given) ? sealer.seal(given.href, url) : given.href),
    openUrl: (sealer: Sealer, kept: string): string => (/^https?:/.test(kept) ? kept : sealer.open(kept, url)),
  };
}
