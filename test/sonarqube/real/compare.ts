import type { Call } from './calls.ts';

export interface Answered {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface Party {
  readonly url: string;
  readonly token: string;
  /** Basic: what servers before 10.0 know alone. */
  readonly basicOnly: boolean;
  /** What stands for `{project}` and, as calls go on, for the keys that were kept. */
  readonly values: Map<string, string>;
}

/** Asks one server. */
export async function ask(party: Party, call: Call): Promise<Answered> {
  const query = new URLSearchParams(filled(party, call.query ?? {})).toString();
  const answer = await fetch(`${party.url}/${call.path}${query === '' ? '' : `?${query}`}`, {
    method: call.method,
    headers: credentials(party, call.as ?? 'administrator'),
    ...(call.form === undefined ? {} : { body: new URLSearchParams(filled(party, call.form)) }),
  });
  const body = await answer.text();
  if (call.keep !== undefined) party.values.set(call.keep, keyIn(body));
  return { status: answer.status, contentType: answer.headers.get('content-type') ?? '', body: unnamed(party, body) };
}

function filled({ values }: Party, parameters: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      value.replaceAll(/\{(\w+)\}/g, (_, key: string) => values.get(key) ?? `{${key}}`),
    ]),
  );
}

function credentials({ token, basicOnly }: Party, as: NonNullable<Call['as']>): Record<string, string> {
  const basic = (login: string): Record<string, string> => ({ authorization: `Basic ${Buffer.from(login).toString('base64')}` });
  if (as === 'nobody') return {};
  if (as === 'wrong') return basic('squ_0000000000000000000000000000000000000000:');
  return as === 'basic' || basicOnly ? basic(`${token}:`) : { authorization: `Bearer ${token}` };
}

/** Keys that the server gave by what they were kept as: each server gives its own. */
function unnamed({ values }: Party, body: string): string {
  let text = body;
  for (const [name, value] of values) if (name !== 'project' && value !== '') text = text.replaceAll(value, `{${name}}`);
  return text;
}

function keyIn(body: string): string {
  if (!body.startsWith('{')) return '';
  const { webhook } = JSON.parse(body) as { webhook?: { key?: string } };
  return webhook?.key ?? '';
}

/** What the two say differently, in words; empty where they agree. Keys, times and own addresses are no difference. */
export function differences(theirs: Answered, ours: Answered): readonly string[] {
  const found: string[] = [];
  if (theirs.status !== ours.status) found.push(`status ${theirs.status}, ours ${ours.status}`);
  if (theirs.contentType !== ours.contentType) found.push(`Content-Type "${theirs.contentType}", ours "${ours.contentType}"`);
  const [left, right] = [neutral(theirs.body), neutral(ours.body)];
  if (left !== right) found.push(`body ${left.slice(0, 300)}, ours ${right.slice(0, 300)}`);
  return found;
}

const volatile: ReadonlySet<string> = new Set(['key', 'id', 'at', 'durationMs', 'date']);

/** The text with what must differ taken out; the order of fields and the escapes stay as they were written. */
function neutral(body: string): string {
  return body.replaceAll(/"(\w+)":("(?:[^"\\]|\\.)*"|\d+)/g, (whole, name: string) => (volatile.has(name) ? `"${name}":"*"` : whole));
}
