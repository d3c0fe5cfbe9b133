import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import type { Identifiers } from '../../identifiers.ts';
import { compose, shownAnswer, shownRequest } from './attempt.ts';
import type { Decision } from './decide.ts';
import { askedFor, decide } from './decide.ts';
import { failureOf } from './failure.ts';
import type { DeliveryMetrics } from './metrics.ts';
import type { Answer, Outgoing, Sender } from './send.ts';
import type { Job, Slot, Station } from './station.ts';
import { beginning } from './station.ts';
import type { Stations } from './stations.ts';
import type { Bounds } from './health.ts';
import { isOpen } from './target.ts';
import type { Turns } from './turns.ts';
import type { Lane, OutcomeRow } from './unit-rows.ts';
import { lanes } from './unit-rows.ts';

export interface AttemptsOptions {
  readonly clock: Clock;
  readonly steady: Clock;
  readonly ids: Identifiers;
  readonly log: Logger;
  readonly userAgent: string;
  readonly sender: Sender;
  readonly stations: Stations;
  readonly turns: Turns;
  readonly metrics: DeliveryMetrics;
  readonly bounds: Bounds;
}

export interface Attempts {
  /** Sends a job in its slot, decides what becomes of it, and hands the outcome to the next turn. Never throws. */
  begin(job: Job, slot: Slot): void;
  /** Answers when all that is under way has ended; after `graceMs` it is broken off, and left to its lease. */
  stop(graceMs: number): Promise<void>;
}

interface Exchanged {
  readonly job: Job;
  readonly slot: Slot;
  /** By the wall clock. */
  readonly at: number;
  readonly answer: Answer;
  /** Null where a secret did not open, so that nothing could be sent. */
  readonly outgoing: Outgoing | null;
}

export function createAttempts(options: AttemptsOptions): Attempts {
  const { clock, steady, stations, turns, sender, metrics } = options;
  let underWay = 0;
  let broken = false;
  let allEnded = (): void => undefined;

  const attempt = async (job: Job, slot: Slot): Promise<void> => {
    const asked = steady.now();
    slot.since = beginning(slot.station, asked);
    if (slot.since > asked) await sleep(slot.since - asked);
    // Only now: it may have been changed meanwhile.
    const { target } = slot.station;
    const at = clock.now();
    if (job.attempt === 1) metrics.firstAttempt(slot.since - job.created);
    if (!isOpen(target)) return end({ job, slot, at, answer: unsent(target.error), outgoing: null });
    const outgoing = compose({ job, target, userAgent: options.userAgent, now: at });
    end({ job, slot, at, answer: await sender.send(outgoing), outgoing });
  };
  const end = (exchanged: Exchanged): void => {
    const { job, slot, answer } = exchanged;
    // We broke it off ourselves to stop: that is no failure of the receiver's. The lease gives it back.
    if (broken && answer.status === null) return stations.brokenOff(slot);
    if (answer.failure === 'out_of_connections') return comeAgain(options, job, slot);
    const { station } = slot;
    const now = steady.now();
    const decision = decided(exchanged, now);
    const worked = decision.state === 'delivered';
    const quiet = worked && isQuiet(station, answer.durationMs, { now, bounds: options.bounds });
    // The slot is free when the answer has ended: the next request need not wait until this one's outcome is on disk.
    if (worked) stations.worked(slot, answer.durationMs);
    else stations.failed(slot, { durationMs: answer.durationMs, timedOut: answer.failure === 'timeout', notBefore: askedFor(answer, now) });
    if (station.target.ordered && decision.state === 'pending') stations.restUntil(station, decision.due);
    const row = outcomeRow(exchanged, { decision, now, quiet, id: options.ids.next() });
    turns.settle({ row, job, settled: (state) => settled(exchanged, decision, state) });
  };
  const settled = (exchanged: Exchanged, decision: Decision, state: string | null): void => {
    const { slot, answer, job } = exchanged;
    // Switched off and on meanwhile, it has another station: what waits again waits there.
    const station = stations.get(slot.station.webhook) ?? slot.station;
    metrics.attempted({ outcome: decision.state, durationMs: answer.durationMs });
    if (state === null) metrics.leaseLost();
    else if (decision.state === 'delivered') metrics.succeeded(steady.now() - job.created);
    if (state === 'pending') waitsAgain(stations, station, decision);
    logAttempt(options.log, exchanged, decision, state !== null);
  };
  return {
    begin(job, slot) {
      underWay += 1;
      attempt(job, slot)
        .catch((error: unknown) => end({ job, slot, at: clock.now(), answer: unsent(error), outgoing: null }))
        .catch((err: unknown) => options.log.error({ err, delivery: job.delivery }, 'an attempt failed'))
        .finally(() => {
          underWay -= 1;
          if (underWay === 0) allEnded();
        });
    },
    async stop(graceMs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      allEnded = resolve;
      if (underWay === 0) return;
      const timer = setTimeout(() => {
        broken = true;
        void sender.close();
      }, graceMs);
      await promise;
      clearTimeout(timer);
    },
  };
}

function decided({ job, slot, answer }: Exchanged, now: number): Decision {
  const { policy } = slot.station.target;
  return decide({ answer, attempt: job.attempt, retryUntil: job.retryUntil, policy, now, random: Math.random() });
}

/** We had no connection free: nothing was sent, and it says nothing about the receiver. */
function comeAgain({ log, metrics, turns, stations }: AttemptsOptions, job: Job, slot: Slot): void {
  log.warn({ webhook: slot.station.webhook, delivery: job.delivery }, 'delivery.out_of_connections');
  metrics.outOfConnections();
  turns.giveBack(job);
  stations.mark(slot.station, job.lane);
  stations.brokenOff(slot);
  stations.look(slot.station);
}

/** That a webhook works is written down with it once a second and not with every delivery; that it works again, at once. */
const successKeptMs = 1_000;

function isQuiet(station: Station, durationMs: number, { now, bounds }: { readonly now: number; readonly bounds: Bounds }): boolean {
  const { standing, proven, slow } = station.health;
  const isNew = standing !== 'healthy' || !proven || slow || durationMs > bounds.slowMs || now - station.successAt >= successKeptMs;
  if (isNew) station.successAt = now;
  return !isNew;
}

/** A delivery that is written down as pending waits in a lane of its webhook. */
function waitsAgain(stations: Stations, station: Station, decision: Decision): void {
  // Asked for again while it was under way, it waits once more, whatever came of the attempt.
  if (decision.state !== 'pending') stations.mark(station, lanes.asked);
  else if (station.target.ordered) stations.mark(station, lanes.first);
  else stations.markRetry(station, decision.due);
  stations.look(station);
}

function unsent(error: unknown): Answer {
  const { code, reason } = failureOf(error);
  return { status: null, headers: {}, body: null, failure: code, reason, durationMs: 0 };
}

interface Decided {
  readonly decision: Decision;
  readonly now: number;
  readonly quiet: boolean;
  readonly id: string;
}

function outcomeRow({ job, slot, at, answer, outgoing }: Exchanged, { decision, now, quiet, id }: Decided): OutcomeRow {
  const { target, health, webhook } = slot.station;
  const shown = shownAnswer(answer, isOpen(target) ? target.masked : []);
  const request = outgoing !== null && isOpen(target) ? shownRequest(outgoing, target, answer.reason) : '{}';
  return {
    delivery: job.delivery,
    organization: target.organization,
    webhook,
    token: job.token,
    state: decision.state,
    ...place(job, decision, target.ordered, now),
    number: job.attempt,
    now,
    attempt: id,
    at,
    durationMs: answer.durationMs,
    request,
    status: answer.status,
    answerHeaders: shown.headers,
    answerBody: shown.body,
    error: answer.failure,
    worked: decision.state === 'delivered',
    quiet,
    slow: health.slow,
    restingUntil: health.standing === 'resting' ? health.restUntil : null,
    gone: decision.state === 'exhausted' && decision.gone,
  };
}

/** Where a delivery waits from now on. In strict order it keeps its place: its webhook waits instead. */
function place(job: Job, decision: Decision, ordered: boolean, now: number): { readonly lane: Lane; readonly due: number } {
  if (decision.state !== 'pending') return { lane: job.lane, due: now };
  return ordered ? { lane: lanes.first, due: job.created } : { lane: lanes.retry, due: decision.due };
}

/** One wide line for each attempt: organizations by their slug, URLs masked, never a secret. */
function logAttempt(log: Logger, { job, slot, answer }: Exchanged, decision: Decision, counted: boolean): void {
  const { target, webhook } = slot.station;
  log.info(
    {
      organization: target.slug,
      webhook,
      delivery: job.delivery,
      event: job.event,
      kind: job.kind,
      attempt: job.attempt,
      url: isOpen(target) ? target.shownUrl : null,
      status: answer.status,
      error: answer.failure,
      reason: answer.reason,
      durationMs: answer.durationMs,
      outcome: counted ? decision.state : 'lease_lost',
      due: decision.state === 'pending' ? decision.due : null,
    },
    'delivery.attempted',
  );
}
