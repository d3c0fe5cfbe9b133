import type { FastifyReply, FastifyRequest } from 'fastify';
import { conflict, GatepostError, invalid } from '../errors.ts';
import { sha256Hex } from '../hmac.ts';
import type { HttpServer } from './http-server.ts';

/** How long an answer is kept for a repeat. */
export const idempotencyKeptMs = 24 * 3_600_000;
/** A first call that has not ended after this was cut off by a crash: the next one takes its place. */
export const idempotencyAbandonedMs = 60_000;
export const idempotencyKeyCharactersMax = 255;
/** Larger answers are not kept; none of our POSTs gives one. */
export const answerCharactersMax = 256 * 1024;

/** One call with a key: repeats of it are told by these three. */
export interface IdempotencyPlace {
  readonly organization: string;
  /** Method and pattern. */
  readonly route: string;
  readonly key: string;
}

export type IdempotencyState =
  | { readonly kind: 'first' }
  | { readonly kind: 'repeat'; readonly status: number; readonly answer: string }
  /** The same key with another body. */
  | { readonly kind: 'reused' }
  | { readonly kind: 'under way' };

export interface IdempotencyStore {
  /** Takes the place, or says who has it. Of two that come at once exactly one is first. */
  begin(place: IdempotencyPlace, requestSha256: string): Promise<IdempotencyState>;
  finish(place: IdempotencyPlace, status: number, answer: string): Promise<void>;
  /** Gives the place back: the call failed in a way that a repeat may mend. */
  release(place: IdempotencyPlace): Promise<void>;
}

interface Answer {
  readonly type: string | null;
  readonly location: string | null;
  readonly body: string;
}

/** Makes every POST with a scope repeatable under `Idempotency-Key`: the repeat gets the first call's answer, and nothing is done twice. */
export function addIdempotency(server: HttpServer, store: IdempotencyStore): void {
  const held = new WeakMap<FastifyRequest, IdempotencyPlace>();
  const begin = async (request: FastifyRequest, reply: FastifyReply, bodySha256: string): Promise<boolean> => {
    const place = placeOf(request);
    if (place === null) return false;
    const state = await store.begin(place, sha256Hex(`${request.url}\n${bodySha256}`));
    if (state.kind === 'reused') throw conflict('idempotency_key_reused', 'This Idempotency-Key came before with another request.');
    if (state.kind === 'under way') {
      throw new GatepostError('conflict', 'idempotency_key_in_use', 'The first request with this Idempotency-Key is still under way.', {
        retryAfterSeconds: 1,
      });
    }
    if (state.kind === 'first') {
      held.set(request, place);
      return false;
    }
    await replay(reply, state.status, state.answer);
    return true;
  };
  server.beginIdempotent = begin;
  server.addHook('preHandler', async (request, reply) => {
    const { scope, idempotency } = request.routeOptions.config;
    if (request.method !== 'POST' || scope === null || scope === undefined || idempotency !== undefined) return;
    await begin(request, reply, sha256Hex(JSON.stringify(request.body ?? null)));
  });
  server.addHook('onSend', async (request, reply, payload) => {
    const place = held.get(request);
    if (place === undefined) return;
    held.delete(request);
    const body = payload === null || payload === undefined ? '' : payload;
    if (typeof body !== 'string' || body.length > answerCharactersMax || !isFinal(reply.statusCode)) await store.release(place);
    else await store.finish(place, reply.statusCode, JSON.stringify(answerOf(reply, body)));
  });
}

/** Whether a repeat would come to the same end. */
function isFinal(status: number): boolean {
  return status < 500 && status !== 401 && status !== 403 && status !== 408 && status !== 429;
}

function placeOf(request: FastifyRequest): IdempotencyPlace | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || !/^[\x21-\x7e]+$/.test(key) || key.length > idempotencyKeyCharactersMax) {
    throw invalid('invalid_idempotency_key', `Idempotency-Key must be 1 to ${idempotencyKeyCharactersMax} visible ASCII characters.`);
  }
  return { organization: request.caller.organization, route: `${request.method} ${request.routeOptions.url ?? ''}`, key };
}

function answerOf(reply: FastifyReply, body: string): Answer {
  const [type, location] = [reply.getHeader('content-type'), reply.getHeader('location')];
  return { type: typeof type === 'string' ? type : null, location: typeof location === 'string' ? location : null, body };
}

async function replay(reply: FastifyReply, status: number, text: string): Promise<void> {
  const answer = JSON.parse(text) as Answer;
  if (answer.type !== null) reply.type(answer.type);
  if (answer.location !== null) reply.header('location', answer.location);
  await reply
    .code(status)
    .header('idempotency-replayed', 'true')
    .serializer((body: string) => body)
    .send(answer.body);
}
