import type { Clock } from '../../clock.ts';
import type { SourceAllowlist } from './client/address.ts';
import type { ClientLimits, SonarqubeClient, SonarqubeClientOptions } from './client/client.ts';
import { createSonarqubeClient } from './client/client.ts';
import type { OpenSource } from './source.ts';

/** One client for each source, so that all who speak to its server share one budget. */
export interface SourceClients {
  /** Lends the source's client for as long as `use` takes. A source whose address, token or authority changed gets a new one. */
  with<T>(source: OpenSource, use: (client: SonarqubeClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface SourceClientsOptions {
  readonly allow: SourceAllowlist | null;
  readonly clock: Clock;
  readonly limits?: Partial<ClientLimits> | undefined;
  /** So many requests were sent. */
  readonly requested?: (count: number) => void;
  /** Tests hand in one of their own. */
  readonly create?: (options: SonarqubeClientOptions) => SonarqubeClient;
}

/** How long a client that nobody uses keeps its connections and the memory of its budget. */
export const idleMs = 120_000;

interface Held {
  readonly client: SonarqubeClient;
  readonly key: string;
  users: number;
  counted: number;
  isOld: boolean;
  idle: NodeJS.Timeout | undefined;
}

export function createSourceClients({
  allow,
  clock,
  limits,
  requested,
  create = createSonarqubeClient,
}: SourceClientsOptions): SourceClients {
  const held = new Map<string, Held>();
  const closing = new Set<Promise<void>>();
  const close = (one: Held): void => {
    clearTimeout(one.idle);
    const closed = one.client.close().catch(() => undefined);
    closing.add(closed);
    void closed.finally(() => closing.delete(closed));
  };
  const take = (source: OpenSource): Held => {
    const { url, token, ca } = source;
    const key = JSON.stringify([url, token, ca]);
    const known = held.get(source.id);
    if (known !== undefined && known.key === key) return known;
    if (known !== undefined) {
      known.isOld = true;
      if (known.users === 0) close(known);
    }
    const client = create({ url, token, ca, allow, clock, ...(limits === undefined ? {} : { limits }) });
    const made: Held = { client, key, users: 0, counted: 0, isOld: false, idle: undefined };
    held.set(source.id, made);
    return made;
  };
  const release = (id: string, one: Held): void => {
    requested?.(one.client.requests - one.counted);
    one.counted = one.client.requests;
    one.users -= 1;
    if (one.users > 0) return;
    if (one.isOld) return close(one);
    one.idle = setTimeout(() => {
      held.delete(id);
      close(one);
    }, idleMs).unref();
  };
  return {
    async with(source, use) {
      const one = take(source);
      clearTimeout(one.idle);
      one.users += 1;
      try {
        return await use(one.client);
      } finally {
        release(source.id, one);
      }
    },
    async close() {
      for (const one of held.values()) close(one);
      held.clear();
      await Promise.all(closing);
    },
  };
}
