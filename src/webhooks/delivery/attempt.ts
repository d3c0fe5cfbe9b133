import { hide, hideInBody } from '../subscriptions/masking.ts';
import { mask } from '../subscriptions/url.ts';
import type { Answer, Outgoing } from './send.ts';
import type { Job } from './station.ts';
import type { Target } from './target.ts';

/** Of an answer's headers so many are kept, and of each value so much. */
export const answerHeadersKeptMax = 64;
export const answerHeaderCharactersMax = 1_000;

export interface ComposeOptions {
  readonly job: Job;
  readonly target: Target;
  /** Where the webhook's dialect has none of its own. */
  readonly userAgent: string;
  /** By the wall clock: receivers compare it with theirs. */
  readonly now: number;
}

/** The request of one attempt: the body as it was kept, signed now. Pure. The order of the headers is that of SonarQube's contract, section 2. */
export function compose({ job, target, userAgent, now }: ComposeOptions): Outgoing {
  const { dialect, authorization, addedHeaders } = target;
  const headers: string[] = [];
  put(headers, dialect.headers({ delivery: job.delivery, kind: job.kind, attempt: job.attempt, body: job.body }));
  if (authorization !== null) headers.push('Authorization', authorization);
  const secrets = target.secrets();
  if (secrets !== null) {
    const signable = { id: job.delivery, timestampSeconds: Math.floor(now / 1000), body: job.body, secrets };
    for (const scheme of dialect.schemes) put(headers, scheme(signable));
  } else if (dialect.unsigned !== undefined) put(headers, dialect.unsigned);
  headers.push('Content-Type', job.contentType, 'User-Agent', target.userAgent ?? userAgent);
  if (addedHeaders.length > 0) headers.push(...addedHeaders);
  return { webhook: target.webhook, url: target.url, target: target.target, transport: target.transport, headers, body: job.body };
}

function put(headers: string[], more: Readonly<Record<string, string>>): void {
  for (const name in more) headers.push(name, more[name] ?? '');
}

/** The request as it is kept and shown, as JSON with names in lower case: who knows a signature could send the same again, so none is, nor is any added header's value. */
export function shownRequest({ headers }: Outgoing, { shownUrl, addedHeaders }: Target, reason: string | null): string {
  const shown: Record<string, string> = {};
  const own = headers.length - addedHeaders.length;
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] ?? '').toLowerCase();
    shown[name] = index < own ? shownHeader(name, headers[index + 1] ?? '') : mask;
  }
  const request = { method: 'POST', url: shownUrl, headers: shown };
  return JSON.stringify(reason === null ? request : { ...request, reason });
}

function shownHeader(name: string, value: string): string {
  if (name === 'authorization') return value.replace(/ .*$/, ` ${mask}`);
  if (name.startsWith('x-sonar-webhook-hmac')) return mask;
  if (!name.includes('signature')) return value;
  // One value nearly always; two while a secret is being changed.
  if (value.startsWith('v1,') && !value.includes(' ')) return `v1,${mask}`;
  if (value.length > 'sha256='.length && value.startsWith('sha256=')) return `sha256=${mask}`;
  // Hexadecimal with nothing before it, as dialects of the git side have it.
  if (/^[0-9a-f]+$/.test(value)) return mask;
  return value.replaceAll(/(v1,|sha1=|sha256=)\S+/g, `$1${mask}`);
}

export interface ShownAnswer {
  /** JSON, or null where no answer came. */
  readonly headers: string | null;
  readonly body: string | null;
}

/** An answer's headers and body as they are kept: text that any database takes, without the secrets that a receiver may have thrown back. */
export function shownAnswer(answer: Answer, sought: readonly string[]): ShownAnswer {
  if (answer.status === null) return { headers: null, body: null };
  const headers: Record<string, string> = {};
  let kept = 0;
  for (const name in answer.headers) {
    if (kept >= answerHeadersKeptMax) break;
    kept += 1;
    const value = answer.headers[name] ?? '';
    headers[hide(name, sought)] = name === 'set-cookie' ? mask : hide(plain(value), sought).slice(0, answerHeaderCharactersMax);
  }
  return { headers: JSON.stringify(headers), body: hideInBody(plain(answer.body?.toString('utf8') ?? ''), sought) };
}

function plain(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;
}
