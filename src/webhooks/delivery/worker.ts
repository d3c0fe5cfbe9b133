import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../../clock.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Sealer } from '../../secret-key.ts';
import type { Database } from '../../storage/database/database.ts';
import type { Worker } from '../../worker.ts';
import { createWorker } from '../../worker.ts';
import { compose, shownAnswer, shownRequest } from './attempt.ts';
import type { Claimed } from './claim.ts';
import { claim } from './claim.ts';
import type { Decision, RetryPolicy } from './decide.ts';
import { decide, succeeded } from './decide.ts';
import type { FanOut } from './fan-out.ts';
import { failureOf } from './failure.ts';
import type { Guard } from './guard.ts';
import type { DeliveryMetrics } from './metrics.ts';
import { createDeliveryMetrics } from './metrics.ts';
import type { Answer, Outgoing, Sender } from './send.ts';
import { createSender, deadlineMs } from './send.ts';
import type { AttemptFacts, Outcome, Settler } from './settle.ts';
import { createSettler } from './settle.ts';
import type { Slots } from './slots.ts';
import { createSlots, inFlightMax, inFlightOfWebhookMax } from './slots.ts';
import type { OpenTarget, Targets } from './target.ts';
import { createTargets } from './target.ts';
import { cancelOrphans, forgetOldSecrets, purge, takeBackAtStart, takeBackExpired } from './upkeep.ts';

/** A nudge follows every commit here; this is for retries that fall due, and for what other nodes record. */
export const pollMs = 500;
/** How often each of the regular works is done. */
export const chores = { leasesMs: 2_000, poolsMs: 15_000, tidyMs: 60_000 } as const;
/** An outcome that cannot be written down is tried again after this, as long as its lease holds. */
export const settleAgainMs = 1_000;

export interface DeliveryWorkerOptions {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly guard: Guard;
  readonly fanOut: FanOut;
  readonly clock: Clock;
  readonly ids: Identifiers;
  readonly log: Logger;
  readonly policy: RetryPolicy;
  /** How long what is settled is kept. */
  readonly keptMs: number;
  readonly userAgent: string;
  readonly registry?: Registry | undefined;
  /** For tests, which cannot wait so long. */
  readonly deadlineMs?: number;
}

export interface DeliveryWorker {
  /** Takes back what a dead process of ours held, then works until stopped. */
  start(): Promise<void>;
  /** Something was committed: look at once. */
  nudge(): void;
  /** Claims nothing more, lets what is under way end within `graceMs`, closes all connections. */
  stop(graceMs?: number): Promise<void>;
}

interface Parts extends DeliveryWorkerOptions {
  readonly sender: Sender;
  readonly settler: Settler;
  readonly slots: Slots;
  readonly targets: Targets;
  readonly metrics: DeliveryMetrics;
}

/** Claim, send, decide, settle. Nothing is sent inside a transaction, and no transaction is open while something is sent. */
export function createDeliveryWorker(options: DeliveryWorkerOptions): DeliveryWorker {
  const { database, guard, ids, clock, log } = options;
  const parts: Parts = {
    ...options,
    sender: createSender({ guard, connectionsMax: inFlightOfWebhookMax, deadlineMs: options.deadlineMs ?? deadlineMs }),
    settler: createSettler({ database, ids }),
    slots: createSlots(),
    targets: createTargets(options),
    metrics: createDeliveryMetrics(options),
  };
  const breakOff = (): void => void parts.sender.close();
  const worker = createWorker<Claimed>({
    name: 'delivery',
    async claim(count) {
      // An event that cannot be fanned out must not keep the deliveries of others back.
      await options.fanOut.sweep(database).catch((error: unknown) => log.error({ err: error }, 'fan-out failed'));
      return claim({ database, clock, ids, slots: parts.slots, count });
    },
    work(claimed, signal) {
      // Whoever stops us waits no longer: what is under way is broken off. The same function each time, so the signal has it once.
      signal.addEventListener('abort', breakOff, { once: true });
      return attempt(parts, claimed, signal);
    },
    concurrency: inFlightMax,
    idleMs: pollMs,
    clock,
    log,
  });
  const upkeep = createUpkeep(parts, worker);
  return {
    async start() {
      const count = await takeBackAtStart({ database, clock });
      if (count > 0) log.info({ count }, 'delivery.leases_taken_back');
      worker.start();
      upkeep.start();
    },
    nudge: () => worker.nudge(),
    async stop(graceMs = deadlineMs) {
      await Promise.all([worker.stop(graceMs), upkeep.stop(graceMs)]);
      await parts.sender.close();
    },
  };
}

type Chore = () => Promise<unknown>;

/** The regular works, one after another, each when its time has come. */
function createUpkeep(parts: Parts, worker: Worker): Worker {
  const { database, clock, log, sender, keptMs } = parts;
  const regular: { readonly everyMs: number; readonly run: Chore; next: number }[] = [
    { everyMs: chores.leasesMs, run: async () => (await takeBackExpired({ database, clock })) > 0 && worker.nudge(), next: 0 },
    { everyMs: chores.poolsMs, run: () => sender.sweep(), next: 0 },
    { everyMs: chores.tidyMs, run: () => cancelOrphans({ database, clock }), next: 0 },
    { everyMs: chores.tidyMs, run: () => forgetOldSecrets({ database, clock }), next: 0 },
    { everyMs: chores.tidyMs, run: () => purge({ database, clock, keptMs }), next: 0 },
  ];
  return createWorker<Chore>({
    name: 'delivery upkeep',
    async claim(count) {
      // By a clock that nobody sets back.
      const now = performance.now();
      const due = regular.filter((chore) => chore.next <= now).slice(0, count);
      for (const chore of due) chore.next = now + chore.everyMs;
      return due.map((chore) => chore.run);
    },
    work: async (run) => {
      await run();
    },
    concurrency: 1,
    idleMs: chores.leasesMs,
    clock,
    log,
  });
}

/** One attempt from the open secrets to the settled row. A receiver's failure is data; only ours is thrown. */
async function attempt(parts: Parts, claimed: Claimed, signal: AbortSignal): Promise<void> {
  const { clock, metrics, policy } = parts;
  const at = clock.now();
  if (claimed.attempt === 1) metrics.firstAttempt(at - claimed.created);
  const { answer, outgoing, target } = await exchangeInSlot(parts, claimed, at);
  // We broke it off ourselves to stop: that is no failure of the receiver's. The lease gives it back.
  if (signal.aborted && answer.status === null) return;
  const now = clock.now();
  const decision = decide({ answer, retryUntil: claimed.retryUntil, policy, now });
  const facts = attemptFacts({ at, answer, outgoing, target });
  const counted = await settleWithinLease(parts, { claimed, decision, now, attempt: facts }, signal);
  metrics.attempted({ outcome: decision.state, durationMs: answer.durationMs });
  if (!counted) metrics.leaseLost();
  logAttempt(parts, { claimed, answer, decision, counted, shownUrl: target?.shownUrl ?? null });
}

/** The slot is free when the answer has ended: the next request need not wait until this one's outcome is on disk. */
async function exchangeInSlot(parts: Parts, claimed: Claimed, at: number): Promise<Exchange> {
  let worked = false;
  try {
    const exchanged = await exchange(parts, claimed, at);
    worked = succeeded(exchanged.answer);
    return exchanged;
  } finally {
    parts.slots.free(claimed.target.webhook, claimed.lane, worked);
  }
}

interface Exchange {
  readonly answer: Answer;
  /** Null where a secret did not open, so that nothing could be sent. */
  readonly outgoing: Outgoing | null;
  readonly target: OpenTarget | null;
}

async function exchange(parts: Parts, claimed: Claimed, now: number): Promise<Exchange> {
  let target: OpenTarget;
  try {
    target = parts.targets.open(claimed.target);
  } catch (error) {
    return { answer: unsent(error), outgoing: null, target: null };
  }
  const outgoing = compose({ claimed, target, userAgent: parts.userAgent, now });
  return { answer: await parts.sender.send(outgoing), outgoing, target };
}

function unsent(error: unknown): Answer {
  const { code, reason } = failureOf(error);
  return { status: null, headers: {}, body: null, failure: code, reason, durationMs: 0 };
}

function attemptFacts({ at, answer, outgoing, target }: Exchange & { readonly at: number }): AttemptFacts {
  const request = outgoing === null || target === null ? null : shownRequest(outgoing, target.shownUrl);
  const shown = shownAnswer(answer, target?.masked ?? []);
  return {
    at,
    durationMs: answer.durationMs,
    request: JSON.stringify({ ...request, ...(answer.reason === null ? {} : { reason: answer.reason }) }),
    status: answer.status,
    answerHeaders: shown === null ? null : JSON.stringify(shown.headers),
    answerBody: shown?.body ?? null,
    error: answer.failure,
  };
}

/** A database that takes no writes now may take them again in time: until the lease ends, an outcome is not given up. */
async function settleWithinLease(parts: Parts, outcome: Outcome, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    try {
      return await parts.settler.settle(outcome);
    } catch (error) {
      if (signal.aborted || parts.clock.now() + settleAgainMs >= outcome.claimed.leaseUntil) throw error;
      await new Promise((resolve) => setTimeout(resolve, settleAgainMs));
    }
  }
}

interface Attempted {
  readonly claimed: Claimed;
  readonly answer: Answer;
  readonly decision: Decision;
  readonly counted: boolean;
  readonly shownUrl: string | null;
}

/** One wide line for each attempt: organizations by their slug, URLs masked, never a secret. */
function logAttempt({ log }: Parts, { claimed, answer, decision, counted, shownUrl }: Attempted): void {
  const facts = {
    organization: claimed.target.slug,
    webhook: claimed.target.webhook,
    delivery: claimed.delivery,
    event: claimed.event,
    kind: claimed.kind,
    attempt: claimed.attempt,
    url: shownUrl,
    status: answer.status,
    error: answer.failure,
    reason: answer.reason,
    durationMs: answer.durationMs,
    outcome: counted ? decision.state : 'lease_lost',
    due: decision.state === 'pending' ? decision.due : null,
  };
  log.info(facts, 'delivery.attempted');
}
