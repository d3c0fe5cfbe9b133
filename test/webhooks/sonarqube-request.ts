// The request that one attempt of a webhook of the dialect sonarqube makes, composed as the engine composes it.
import { sonarqubeDialect } from '../../src/webhooks/dialects/sonarqube.ts';
import { compose } from '../../src/webhooks/delivery/attempt.ts';
import type { Outgoing } from '../../src/webhooks/delivery/send.ts';
import { plainTransport } from '../../src/webhooks/delivery/send.ts';
import type { Target } from '../../src/webhooks/delivery/target.ts';
import { basicAuthorization } from '../../src/webhooks/subscriptions/url.ts';

export interface RequestOptions {
  readonly body: Buffer | string;
  readonly url?: URL;
  readonly secret?: string | null;
  /** Instead of the one that follows from the URL. */
  readonly authorization?: string | null;
  readonly version?: string;
  /** Name, value, name, value. */
  readonly addedHeaders?: readonly string[];
}

export function sonarqubeRequest(options: RequestOptions): Outgoing {
  const { url = new URL('http://receiver.example/hook'), secret = null, version = '26.9.0.129388', addedHeaders = [] } = options;
  const target: Target = {
    webhook: 'w',
    organization: 'o',
    slug: 'organization',
    revision: 0,
    rank: '1',
    dialect: sonarqubeDialect,
    url,
    shownUrl: url.origin,
    transport: { ...plainTransport, redirects: sonarqubeDialect.redirects },
    authorization: options.authorization === undefined ? basicAuthorization(url) : options.authorization,
    userAgent: `SonarQube/${version}`,
    addedHeaders,
    policy: { name: 'none' },
    ordered: false,
    rate: null,
    secrets: () => (secret === null ? null : { current: secret, previous: null }),
    masked: [],
    remembered: { failures: 0, slow: false, proven: false, restingUntil: null },
  };
  const body = Buffer.from(options.body);
  const { contentType } = sonarqubeDialect;
  const job = { delivery: 'the-delivery', event: 'e', kind: 'analysis.completed', attempt: 1, contentType, body };
  const lease = { created: 0, retryUntil: 0, token: 't', leaseUntil: 0, lane: 1 } as const;
  return compose({ job: { ...job, ...lease }, target, userAgent: 'Gatepost/1', now: 1_800_000_000_000 });
}
