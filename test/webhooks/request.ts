// The request that one attempt makes of a webhook of any dialect, composed as the engine composes it.
import type { GatepostEvent } from '../../src/events/event.ts';
import { compose } from '../../src/webhooks/delivery/attempt.ts';
import type { Outgoing } from '../../src/webhooks/delivery/send.ts';
import { plainTransport } from '../../src/webhooks/delivery/send.ts';
import type { Target } from '../../src/webhooks/delivery/target.ts';
import type { Dialect } from '../../src/webhooks/dialects/dialect.ts';
import type { LiveSecrets } from '../../src/webhooks/signing/secret.ts';

export interface RequestOptions {
  readonly dialect: Dialect;
  readonly kind: string;
  readonly body: Buffer;
  readonly url: URL;
  readonly secrets?: LiveSecrets | null;
  readonly authorization?: string | null;
  readonly userAgent?: string;
  /** Name, value, name, value. */
  readonly addedHeaders?: readonly string[];
  readonly delivery?: string;
}

export function targetOf(options: Omit<RequestOptions, 'kind' | 'body' | 'delivery'>): Target {
  const { dialect, url, secrets = null, authorization = null, userAgent = null, addedHeaders = [] } = options;
  return {
    webhook: 'w',
    organization: 'o',
    slug: 'organization',
    revision: 0,
    rank: '1',
    dialect,
    url,
    target: url.pathname + url.search,
    shownUrl: url.origin,
    transport: { ...plainTransport, redirects: dialect.redirects },
    authorization,
    userAgent,
    addedHeaders,
    policy: { name: 'none' },
    ordered: false,
    rate: null,
    secrets: () => secrets,
    masked: [],
    remembered: { failures: 0, slow: false, proven: false, restingUntil: null },
  };
}

export function requestOf(options: RequestOptions): Outgoing {
  const { dialect, kind, body, delivery = 'the-delivery' } = options;
  const job = { delivery, event: 'e', kind, attempt: 1, contentType: dialect.contentType, body };
  const lease = { created: 0, retryUntil: 0, token: 't', leaseUntil: 0, lane: 1 } as const;
  return compose({ job: { ...job, ...lease }, target: targetOf(options), userAgent: 'Gatepost/1', now: 1_800_000_000_000 });
}

/** What an event is sent as. */
export function requestOfEvent(event: GatepostEvent, options: Omit<RequestOptions, 'kind' | 'body'>): Outgoing {
  return requestOf({ ...options, kind: event.kind, body: options.dialect.body(event) });
}
