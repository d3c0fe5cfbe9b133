/** An address as DNS gives it. */
export interface Address {
  readonly address: string;
  readonly family: number;
}

/** Resolves to every address of a name. */
export type Resolve = (host: string) => Promise<readonly Address[]>;

/** How long a lookup is waited for where the name's addresses of a while ago are known. */
export const lookupPatienceMs = 100;
/** How long they are good for that. */
export const addressesGoodMs = 10 * 60_000;
export const namesRememberedMax = 10_000;

export interface LookupsOptions {
  readonly resolve: Resolve;
  /** A clock that is never set back. */
  readonly now?: () => number;
}

/**
 * Lookups by the system wait in few threads, and none can be broken off: some names whose servers are silent would hold up those of everybody
 * else. So a name is asked for once at a time, and where its answer does not come soon, or DNS fails for the moment, the addresses that it had a
 * short while ago are taken. Otherwise each call asks anew, and a name that is gone is gone.
 */
export function createLookups({ resolve, now = () => performance.now() }: LookupsOptions): Resolve {
  const asking = new Map<string, ReturnType<Resolve>>();
  const known = new Map<string, { readonly addresses: readonly Address[]; readonly at: number }>();

  const ask = async (host: string) => {
    try {
      const addresses = await resolve(host);
      known.delete(host);
      known.set(host, { addresses, at: now() });
      const oldest = known.size > namesRememberedMax ? known.keys().next().value : undefined;
      if (oldest !== undefined) known.delete(oldest);
      return addresses;
    } finally {
      asking.delete(host);
    }
  };
  return async (host) => {
    let answer = asking.get(host);
    if (answer === undefined) {
      answer = ask(host);
      asking.set(host, answer);
    }
    const before = known.get(host);
    if (before === undefined || now() - before.at > addressesGoodMs) return answer;
    const soon = answer.catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EAI_AGAIN') return before.addresses;
      throw error;
    });
    return withPatience(soon, before.addresses);
  };
}

async function withPatience(answer: ReturnType<Resolve>, before: readonly Address[]): ReturnType<Resolve> {
  const { promise, resolve } = Promise.withResolvers<readonly Address[]>();
  const timer = setTimeout(resolve, lookupPatienceMs, before);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}
