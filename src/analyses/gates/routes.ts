import { Type } from 'typebox';
import type { Clock } from '../../clock.ts';
import { GatepostError } from '../../errors.ts';
import type { Caller } from '../../http/caller.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../../http/paging.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Database } from '../../storage/database/database.ts';
import { checkedConditions, checkedGateName, gatesOfOrganizationMax } from './gate.ts';
import type { StandardName } from './metrics.ts';
import { metricNames } from './metrics.ts';
import { ChangedGate, GateBody, gateBody, NewGate } from './schema.ts';
import { deleteGate, insertGate, listGates, readGate, updateGate } from './store.ts';

export interface GateRoutesDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Identifiers;
  /** By which of them findings can be counted. */
  readonly standards: readonly StandardName[];
}

const tags = ['Quality gates'];
const params = Type.Object({ id: Type.String() });

export function gateRoutes(server: HttpServer, deps: GateRoutesDeps): void {
  readRoutes(server, deps);
  createRoute(server, deps);
  changeRoutes(server, deps);
}

/** Gates are the organization's: fails with `project_token` where the token is for one project. */
function ofOrganization({ organization, token, project }: Caller) {
  if (project === null) return { organization, actor: `token:${token}` as const };
  throw new GatepostError('forbidden', 'project_token', 'The token is for one project alone; this concerns the organization.');
}

function readRoutes(server: HttpServer, { database }: GateRoutesDeps): void {
  server.get(
    '/v1/gates',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List quality gates',
        description: 'The built-in one, then the organization’s, oldest first.',
        tags,
        querystring: Type.Object(pageParameters),
        response: { 200: Type.Object({ gates: Type.Array(GateBody) }) },
      },
    },
    async (request, reply) => {
      const { limit = pageLimitDefault, cursor } = request.query;
      const all = await listGates({ read: database.read, organization: request.caller.organization });
      const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]);
      // The built-in one is first whatever its id; it is behind no cursor.
      const rest = after === null ? all : all.slice(1).filter((gate) => gate.id > after || all[0]?.id === after);
      const last = rest[limit - 1];
      if (rest.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.id]));
      return { gates: rest.slice(0, limit).map(gateBody) };
    },
  );
  server.get(
    '/v1/gates/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'Show a quality gate', description: 'One gate with its conditions.', tags, params, response: { 200: GateBody } },
    },
    async (request) => gateBody(await readGate({ read: database.read, organization: request.caller.organization, id: request.params.id })),
  );
}

function createRoute(server: HttpServer, { database, clock, ids, standards }: GateRoutesDeps): void {
  const metrics = metricNames(standards);
  server.post(
    '/v1/gates',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Make a quality gate',
        description: `Analyses that bring no gate of their own (SARIF) are held against the gate that their project chose, else against the default. An organization has at most ${gatesOfOrganizationMax}. Metrics: ${metrics.map((name) => `\`${name}\``).join(', ')}.`,
        tags,
        body: NewGate,
        response: { 201: GateBody },
      },
    },
    async (request, reply) => {
      const who = ofOrganization(request.caller);
      const { name, conditions, isDefault = false } = request.body;
      const gate = { name: checkedGateName(name), conditions: checkedConditions(conditions, metrics), isDefault };
      const made = await database.write((tx) => insertGate({ ...who, tx, gate, ids, clock }));
      reply.code(201).header('location', `${server.publicUrl(request)}/v1/gates/${made.id}`);
      return gateBody(made);
    },
  );
}

function changeRoutes(server: HttpServer, { database, clock, ids, standards }: GateRoutesDeps): void {
  const metrics = metricNames(standards);
  server.patch(
    '/v1/gates/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Change a quality gate',
        description:
          'What is not named stays as it is. Conditions are given all together. It holds for the analyses that are worked on from now on; what earlier ones came to stays.',
        tags,
        params,
        body: ChangedGate,
        response: { 200: GateBody },
      },
    },
    async (request) => {
      const who = ofOrganization(request.caller);
      const { name, conditions, isDefault } = request.body;
      const change = {
        ...(name === undefined ? {} : { name: checkedGateName(name) }),
        ...(conditions === undefined ? {} : { conditions: checkedConditions(conditions, metrics) }),
        ...(isDefault === undefined ? {} : { isDefault }),
      };
      return gateBody(await database.write((tx) => updateGate({ ...who, tx, id: request.params.id, change, ids, clock })));
    },
  );
  server.delete(
    '/v1/gates/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Delete a quality gate',
        description: 'Projects that had chosen it go by the default from now on. What analyses came to stays.',
        tags,
        params,
        response: { 204: Type.Null({ description: 'It is gone.' }) },
      },
    },
    async (request, reply) => {
      const who = ofOrganization(request.caller);
      await database.write((tx) => deleteGate({ ...who, tx, id: request.params.id, ids, clock }));
      return reply.code(204).send(null);
    },
  );
}
