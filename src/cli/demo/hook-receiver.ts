import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { verify } from '@octokit/webhooks-methods';
import { closeHere, createArrivals, listenHere } from './arrivals.ts';
import { bodyOf } from './receiver.ts';

/** What of a hook's body is shown. */
export interface HookBody {
  readonly ref?: string;
  readonly after?: string;
  readonly commits?: readonly { readonly id: string; readonly message: string }[];
  readonly action?: string;
  readonly number?: number;
  readonly pull_request?: { readonly title: string; readonly merged: boolean; readonly merge_commit_sha: string | null };
  readonly repository: { readonly full_name: string; readonly clone_url: string };
  readonly sender: { readonly login: string };
}

/** A hook's request that came with the right query and the right signature. */
export interface ReceivedHook {
  readonly event: string;
  readonly delivery: string;
  readonly body: HookBody;
  /** When it had come and was verified, on the clock that was handed in. */
  readonly at: number;
}

/** A build server as it was written for Secure Source Manager: it knows nothing of Gatepost. */
export interface HookReceiver {
  readonly url: string;
  /** What it wants behind the question mark, and nobody else knows. */
  readonly key: string;
  /** From now on signatures are verified with this secret; before, everything is refused. */
  useSecret(secret: string): void;
  /** The first that is as wanted; waits for it. Fails after `timeoutMs`, and says then what was refused. */
  waitFor(wanted: (received: ReceivedHook) => boolean, timeoutMs: number): Promise<ReceivedHook>;
  /** Is called for every one that comes from now on. */
  onFurther(listener: (received: ReceivedHook) => void): void;
  close(): Promise<void>;
}

export interface HookReceiverOptions {
  readonly key: string;
  readonly now: () => number;
}

/**
 * Takes what shows `key` in its query, and whose `X-SecureSourceManager-Signature` is right over the bytes: the published library that verifies
 * webhooks of GitHub makes the same HMAC, and wants its name before it.
 */
export async function startHookReceiver({ key, now }: HookReceiverOptions): Promise<HookReceiver> {
  let secret: string | null = null;
  const arrivals = createArrivals<ReceivedHook>();
  const server = createServer((request, response) => {
    const take = async () => {
      const text = (await bodyOf(request)).toString('utf8');
      const shown = new URL(request.url ?? '/', 'http://localhost').searchParams.get('key') ?? '';
      const header = (name: string) => String(request.headers[`x-securesourcemanager-${name}`]);
      const isKey = isSame(shown, key);
      const isRight = isKey && secret !== null && (await verify(secret, text, `sha256=${header('signature')}`));
      response.writeHead(isRight ? 204 : 401).end();
      const delivery = header('delivery');
      if (!isRight) arrivals.refuse(isKey ? 'a wrong signature' : 'no key in the query');
      else if (!arrivals.has(delivery)) {
        arrivals.add(delivery, { event: header('event'), delivery, body: JSON.parse(text) as HookBody, at: now() });
      }
    };
    take().catch(() => response.destroy());
  });
  const origin = await listenHere(server);
  return {
    url: `${origin}/build`,
    key,
    useSecret(given) {
      secret = given;
    },
    onFurther: arrivals.onFurther,
    waitFor: arrivals.waitFor,
    close: () => closeHere(server),
  };
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
