import type { Claimed } from './claim.ts';
import { dialectOf } from '../dialects/all.ts';
import { basicAuthorization, mask } from '../subscriptions/url.ts';
import type { Answer, Outgoing } from './send.ts';
import { plainTransport } from './send.ts';
import type { OpenTarget } from './target.ts';

/** Of an answer's headers so many are kept, and of each value so much. */
export const answerHeadersKeptMax = 64;
export const answerHeaderCharactersMax = 1_000;

export interface ComposeOptions {
  readonly claimed: Claimed;
  readonly target: OpenTarget;
  readonly userAgent: string;
  readonly now: number;
}

/** The request of one attempt: the body as it was kept, signed now. Pure. */
export function compose({ claimed, target, userAgent, now }: ComposeOptions): Outgoing {
  const dialect = dialectOf(claimed.target.dialect);
  const timestampSeconds = Math.floor(now / 1000);
  const signable = { id: claimed.delivery, timestampSeconds, body: claimed.body, secrets: target.secrets };
  const authorization = basicAuthorization(target.url);
  return {
    webhook: claimed.target.webhook,
    url: target.url,
    transport: plainTransport,
    headers: Object.entries({
      'content-type': claimed.contentType,
      'user-agent': userAgent,
      ...(authorization === null ? {} : { authorization }),
      ...dialect.headers({ kind: claimed.kind, attempt: claimed.attempt }),
      ...Object.fromEntries(dialect.schemes.flatMap((scheme) => Object.entries(scheme(signable)))),
    }).flat(),
    body: claimed.body,
  };
}

/** The request as it is kept and shown: who knows a signature could send the same again, so none is. */
export function shownRequest(outgoing: Outgoing, shownUrl: string): { method: string; url: string; headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  for (let index = 0; index + 1 < outgoing.headers.length; index += 2) {
    const [name = '', value = ''] = outgoing.headers.slice(index, index + 2);
    headers[name] = shownHeader(name, value);
  }
  return { method: 'POST', url: shownUrl, headers };
}

function shownHeader(name: string, value: string): string {
  if (name === 'authorization') return value.replace(/ .*$/, ` ${mask}`);
  if (!name.includes('signature')) return value;
  return value.replaceAll(/(v1,|sha256=)\S+/g, `$1${mask}`);
}

/** An answer's headers and body as they are kept: text that any database takes, without the secrets that a receiver may have thrown back. */
export function shownAnswer(answer: Answer, masked: readonly string[]): { headers: Record<string, string>; body: string } | null {
  if (answer.status === null) return null;
  const hide = (text: string) => masked.reduce((rest, secret) => rest.replaceAll(secret, mask), text.replaceAll('\0', '\uFFFD'));
  const headers = Object.entries(answer.headers)
    .slice(0, answerHeadersKeptMax)
    .map(([name, value]) => [name, name === 'set-cookie' ? mask : hide(value).slice(0, answerHeaderCharactersMax)]);
  return { headers: Object.fromEntries(headers) as Record<string, string>, body: hide(answer.body?.toString('utf8') ?? '') };
}
