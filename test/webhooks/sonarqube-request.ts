// The request that one attempt of a webhook of the dialect sonarqube makes, composed as the engine composes it.
import type { Outgoing } from '../../src/webhooks/delivery/send.ts';
import { sonarqubeDialect } from '../../src/webhooks/dialects/sonarqube.ts';
import { basicAuthorization } from '../../src/webhooks/subscriptions/url.ts';
import { requestOf } from './request.ts';

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
  return requestOf({
    dialect: sonarqubeDialect,
    kind: 'analysis.completed',
    body: Buffer.from(options.body),
    url,
    secrets: secret === null ? null : { current: secret, previous: null },
    authorization: options.authorization === undefined ? basicAuthorization(url) : options.authorization,
    userAgent: `SonarQube/${version}`,
    addedHeaders,
  });
}
