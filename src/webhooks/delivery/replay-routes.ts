import type { Static } from 'typebox';
import { Type } from 'typebox';
import type { Clock } from '../../clock.ts';
import { timestampText } from '../../clock.ts';
import { invalid } from '../../errors.ts';
import type { Caller } from '../../http/caller.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../../http/paging.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Database } from '../../storage/database/database.ts';
import { parseTimestamp } from '../../timestamps.ts';
import type { Replay, ReplayProgress } from './replay.ts';
import {
  cancelReplay,
  eventsLeftCountedMax,
  insertReplay,
  listReplays,
  readReplay,
  replayChoices,
  replayedWaitingMax,
  replayStates,
} from './replay.ts';

export interface ReplayRoutesDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Identifiers;
  /** A replay has begun: called after the commit. */
  readonly begun: () => void;
}

const tags = ['Deliveries'];
const params = Type.Object({ id: Type.String() });
const Only = Type.Enum([...replayChoices], {
  description:
    '`failed` (the default): what did not arrive, since its time was over, it was cancelled, or the webhook was off. `all`: what arrived too, and what happened before the webhook was made.',
});
const replayFields = {
  id: Type.String(),
  webhook: Type.String({ description: 'The id of the webhook.' }),
  since: Type.String({ format: 'date-time' }),
  until: Type.String({ format: 'date-time' }),
  only: Only,
  state: Type.Enum([...replayStates], {
    description:
      '`running`; `done`: every event of the span was looked at, and what was asked for was tried (what failed is tried on as ever); `cancelled`: by a call, or its webhook was deleted.',
  }),
  events: Type.Integer({ description: 'How many events were looked at.' }),
  deliveries: Type.Integer({ description: 'How many deliveries were asked for.' }),
  created: Type.String({ format: 'date-time' }),
  finished: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
};
const ReplayBody = Type.Object(replayFields);
const ReplayProgressBody = Type.Object({
  ...replayFields,
  eventsLeft: Type.Integer({
    description: `How many events are still to be looked at; ${eventsLeftCountedMax} stands for that many or more.`,
  }),
  waitsFor: Type.Union([Type.Literal('webhook'), Type.Literal('deliveries'), Type.Null()], {
    description: `\`webhook\`: it is switched off, and the replay goes on when it is on. \`deliveries\`: what it asked for is to be sent before it asks for more (never more than ${replayedWaitingMax} wait) or comes to its end.`,
  }),
});
const NewReplay = Type.Object(
  {
    since: Type.String({ description: 'Events of this time or later, RFC 3339.' }),
    until: Type.Optional(Type.String({ description: 'Events up to this time. Left out: up to now.' })),
    only: Type.Optional(Only),
  },
  { additionalProperties: false },
);

function replayBody(replay: Replay): Static<typeof ReplayBody> {
  const { id, webhook, since, until, only, state, events, deliveries, created, finished } = replay;
  return {
    id,
    webhook,
    since: timestampText(since),
    until: timestampText(until),
    only,
    state,
    events,
    deliveries,
    created: timestampText(created),
    finished: finished === null ? null : timestampText(finished),
  };
}

function progressBody(replay: ReplayProgress): Static<typeof ReplayProgressBody> {
  return { ...replayBody(replay), eventsLeft: replay.eventsLeft, waitsFor: replay.waitsFor };
}

function of({ organization, token, project }: Caller) {
  return { organization, onlyProject: project, actor: `token:${token}` as const };
}

export function replayRoutes(server: HttpServer, deps: ReplayRoutesDeps): void {
  createRoute(server, deps);
  readRoutes(server, deps);
  cancelRoute(server, deps);
}

function time(text: string, field: 'since' | 'until'): number {
  const parsed = parseTimestamp(text);
  if (parsed === null) throw invalid(`invalid_${field}`, `${field} must be a time as RFC 3339 writes it.`, { field });
  return parsed.ms;
}

function createRoute(server: HttpServer, { database, clock, ids, begun }: ReplayRoutesDeps): void {
  server.post(
    '/v1/webhooks/:id/replays',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Replay a span of time',
        description:
          'Asks for the deliveries of past events once more, in the order of the events and under the same ids; events that the webhook has none for get one. It goes on over restarts, piece by piece and behind what is new. A webhook has one running replay at a time. `Location` names what to poll.',
        tags,
        params,
        body: NewReplay,
        response: { 202: ReplayProgressBody },
      },
    },
    async (request, reply) => {
      const who = of(request.caller);
      const { since, until, only = 'failed' } = request.body;
      const span = { since: time(since, 'since'), until: until === undefined ? clock.now() : time(until, 'until') };
      const webhook = request.params.id;
      const { id } = await database.write((tx) => insertReplay({ ...who, tx, webhook, ...span, only, ids, clock }));
      begun();
      reply.code(202).header('location', `${server.publicUrl(request)}/v1/replays/${id}`);
      return progressBody(await readReplay({ ...who, read: database.read, replay: id }));
    },
  );
}

function readRoutes(server: HttpServer, { database }: ReplayRoutesDeps): void {
  server.get(
    '/v1/webhooks/:id/replays',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List replays',
        description: 'The replays of one webhook, newest first; those that ended are kept as long as deliveries are.',
        tags,
        params,
        querystring: Type.Object(pageParameters),
        response: { 200: Type.Object({ replays: Type.Array(ReplayBody) }) },
      },
    },
    async (request, reply) => {
      const { limit = pageLimitDefault, cursor } = request.query;
      const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]);
      const webhook = request.params.id;
      const replays = await listReplays({ ...of(request.caller), read: database.read, webhook, limit: limit + 1, after });
      const last = replays[limit - 1];
      if (replays.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.id]));
      return { replays: replays.slice(0, limit).map(replayBody) };
    },
  );
  server.get(
    '/v1/replays/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Show a replay',
        description: 'How far it has come, how much is left, and what it waits for.',
        tags,
        params,
        response: { 200: ReplayProgressBody },
      },
    },
    async (request) => progressBody(await readReplay({ ...of(request.caller), read: database.read, replay: request.params.id })),
  );
}

function cancelRoute(server: HttpServer, { database, clock, ids }: ReplayRoutesDeps): void {
  server.delete(
    '/v1/replays/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Cancel a replay',
        description:
          'What it asked for and nobody has begun to send is not sent: a delivery that had arrived before is `delivered` again, one that had been tried `exhausted`, one that had never been sent `cancelled`. What has been tried since goes on like every other.',
        tags,
        params,
        response: { 200: ReplayBody },
      },
    },
    async (request) =>
      replayBody(await database.write((tx) => cancelReplay({ ...of(request.caller), tx, replay: request.params.id, ids, clock }))),
  );
}
