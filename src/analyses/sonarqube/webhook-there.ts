import { GatepostError } from '../../errors.ts';
import { listIn, objectIn, textIn } from './answers.ts';
import type { SonarqubeClient } from './client/client.ts';
import { faultText } from './probe.ts';
import type { OpenSource } from './source.ts';
import { ingestPath } from './source.ts';

/** Our webhook over there. */
export interface WebhookThere {
  /** `there`, `missing`; `unknown`: the token may not see webhooks; `refused`: it was to be made, and could not be. */
  readonly state: 'there' | 'missing' | 'unknown' | 'refused';
  readonly key: string | null;
  /** Why, where it is `unknown` or `refused`. */
  readonly code: string | null;
  readonly message: string | null;
}

export interface WebhookThereOptions {
  readonly source: OpenSource;
  readonly ingestUrl: string;
  readonly signal: AbortSignal;
}

/** As people over there see it. */
export const webhookName = 'Gatepost';

interface Listed {
  readonly key: string;
  readonly url: string;
}

/** Looks whether one of the global webhooks over there leads to this source. */
export async function findWebhook(client: SonarqubeClient, options: WebhookThereOptions): Promise<WebhookThere> {
  try {
    const found = await listed(client, options);
    return { state: found === null ? 'missing' : 'there', key: found?.key ?? null, code: null, message: null };
  } catch (error) {
    return { state: 'unknown', key: null, ...reasonOf(error) };
  }
}

/** Makes it, or gives the one that is there its URL and secret again. */
export async function makeWebhook(client: SonarqubeClient, options: WebhookThereOptions): Promise<WebhookThere> {
  const { source, ingestUrl: url, signal } = options;
  try {
    const found = await listed(client, options);
    const form = { name: webhookName, url, secret: source.secret };
    if (found !== null) {
      await client.post('api/webhooks/update', { webhook: found.key, ...form }, { signal });
      return { state: 'there', key: found.key, code: null, message: null };
    }
    const made = objectIn(objectIn(await client.post('api/webhooks/create', form, { signal }))['webhook']);
    return { state: 'there', key: textIn(made, 'key'), code: null, message: null };
  } catch (error) {
    return { state: 'refused', key: null, ...reasonOf(error) };
  }
}

/** By the end of its address: which name and which proxy stand before it is for those who set it up to say. */
async function listed(client: SonarqubeClient, { source, signal }: WebhookThereOptions): Promise<Listed | null> {
  const all = listIn(await client.get('api/webhooks/list', {}, { signal }), 'webhooks');
  for (const one of all) {
    const [key, url] = [textIn(one, 'key'), textIn(one, 'url')];
    if (key !== null && url !== null && url.replace(/[?#].*$/, '').endsWith(ingestPath(source.id))) return { key, url };
  }
  return null;
}

/** Messages of the server that say what a person has to do (contract, section 4). */
const known: readonly (readonly [pattern: RegExp, code: string, message: string])[] = [
  [
    /maximum number of global webhooks/i,
    'source_webhook_limit',
    'There are ten global webhooks over there, which is as many as it takes: delete one.',
  ],
  [
    /not allowed for webhooks/i,
    'source_webhook_address',
    'The server refuses the address of this Gatepost for webhooks. Give it one that is not local, or switch its setting sonar.validateWebhooks off.',
  ],
];

function reasonOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof GatepostError)) throw error;
  const said = error.details?.['said'];
  const found = typeof said === 'string' ? known.find(([pattern]) => pattern.test(said)) : undefined;
  if (found !== undefined) return { code: found[1], message: found[2] };
  if (error.code === 'source_forbidden') {
    return { code: error.code, message: 'The token may not administer the server: webhooks for all projects need that right.' };
  }
  return { code: error.code, message: faultText(error) };
}
