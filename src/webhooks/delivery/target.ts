import type { Clock } from '../../clock.ts';
import type { Sealer } from '../../secret-key.ts';
import type { LiveSecrets } from '../signing/secret.ts';
import { sealedIn } from '../subscriptions/sealed.ts';
import { maskUrl, secretsOf } from '../subscriptions/url.ts';
import type { Target } from './claim.ts';

/** A webhook with its secrets open: in memory alone, and only while it is used. */
export interface OpenTarget {
  readonly url: URL;
  /** As it may be shown and logged. */
  readonly shownUrl: string;
  readonly secrets: LiveSecrets;
  /** What must be masked in whatever the receiver throws back. */
  readonly masked: readonly string[];
}

/** Open targets held ready; a webhook that changed is opened anew. */
export const targetsHeldMax = 5_000;

export interface Targets {
  /** Fails with `secret_unreadable` where a secret does not open. */
  open(target: Target): OpenTarget;
}

interface Held {
  readonly from: Target;
  readonly url: URL;
  readonly current: string;
  readonly previous: string | null;
  readonly masked: readonly string[];
}

export function createTargets({ sealer, clock }: { readonly sealer: Sealer; readonly clock: Clock }): Targets {
  const held = new Map<string, Held>();
  const openNew = (target: Target): Held => {
    const places = sealedIn(target.webhook);
    const url = new URL(places.openUrl(sealer, target.url));
    const previous = target.previousSecret === null ? null : sealer.open(target.previousSecret, places.previousSecret);
    const opened = { from: target, url, current: sealer.open(target.secret, places.secret), previous, masked: secretsOf(url) };
    const oldest = held.size >= targetsHeldMax ? held.keys().next().value : undefined;
    if (oldest !== undefined) held.delete(oldest);
    held.set(target.webhook, opened);
    return opened;
  };
  return {
    open(target) {
      const known = held.get(target.webhook);
      const { url, current, previous, masked } = known !== undefined && same(known.from, target) ? known : openNew(target);
      const overlaps = previous !== null && target.previousSecretUntil !== null && clock.now() < target.previousSecretUntil;
      return { url, shownUrl: maskUrl(url), secrets: { current, previous: overlaps ? previous : null }, masked };
    },
  };
}

function same(one: Target, other: Target): boolean {
  return one.url === other.url && one.secret === other.secret && one.previousSecret === other.previousSecret;
}
