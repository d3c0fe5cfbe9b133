import { GatepostError } from '../../errors.ts';

export interface LockOptions {
  /** Repository id. */
  readonly repository: string;
  readonly refs: readonly string[];
  readonly waitMs: number;
  /** Gives up the wait. */
  readonly signal?: AbortSignal | undefined;
}

export interface RefLocks {
  /**
   * Answers once nobody who came before holds or waits for any of these refs, with what gives them back. All at once, so that two who want the same
   * refs in another order never wait for each other. Fails with `ref_busy`.
   */
  take(options: LockOptions): Promise<() => void>;
}

interface Claim {
  readonly refs: ReadonlySet<string>;
  readonly begin: () => void;
  isHeld: boolean;
}

/** Locks of refs within this process, which alone moves refs of the repositories it holds. */
export function createRefLocks(): RefLocks {
  const claims = new Map<string, Set<Claim>>();
  const next = (repository: string): void => {
    const before = new Set<string>();
    for (const claim of claims.get(repository) ?? []) {
      if (!claim.isHeld && ![...claim.refs].some((ref) => before.has(ref))) {
        claim.isHeld = true;
        claim.begin();
      }
      for (const ref of claim.refs) before.add(ref);
    }
  };
  const remove = (repository: string, claim: Claim): void => {
    const all = claims.get(repository);
    if (all?.delete(claim) !== true) return;
    if (all.size === 0) claims.delete(repository);
    else next(repository);
  };
  return {
    async take({ repository, refs, waitMs, signal }) {
      const begun = Promise.withResolvers<void>();
      const claim: Claim = { refs: new Set(refs), begin: () => begun.resolve(), isHeld: false };
      const all = claims.get(repository) ?? new Set();
      claims.set(repository, all.add(claim));
      const giveUp = (): void => begun.reject(refBusy());
      const timer = setTimeout(giveUp, waitMs);
      signal?.addEventListener('abort', giveUp, { once: true });
      if (signal?.aborted === true) giveUp();
      else next(repository);
      try {
        await begun.promise;
      } catch (error) {
        remove(repository, claim);
        throw error;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
      }
      return () => remove(repository, claim);
    },
  };
}

function refBusy(): GatepostError {
  return new GatepostError('unavailable', 'ref_busy', 'The branch or tag is being moved by another. Try again in a moment.', {
    retryAfterSeconds: 5,
  });
}
