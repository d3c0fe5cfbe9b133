import { Type } from 'typebox';
import type { Clock } from '../clock.ts';
import { timestampText } from '../clock.ts';
import type { HttpServer } from '../http/http-server.ts';
import { decodeCursor, encodeCursor, nextLink, pageLimitDefault, pageParameters } from '../http/paging.ts';
import type { Identifiers } from '../identifiers.ts';
import type { DeletionStep } from '../organizations/deletion.ts';
import type { Database, Tx } from '../storage/database/database.ts';
import { deleteProject } from './deletion.ts';
import type { Project } from './project.ts';
import { projectKeyCharactersMax, retentionDaysMax, retentionVersionsMax } from './project.ts';
import { callersProject, listProjects, updateProject } from './store.ts';

const RetentionVersions = Type.Union([Type.Integer({ minimum: 1, maximum: retentionVersionsMax }), Type.Null()], {
  description: 'How many versions of a branch are kept, the newest ones; null: all.',
});
const RetentionDays = Type.Union([Type.Integer({ minimum: 1, maximum: retentionDaysMax }), Type.Null()], {
  description: 'How many days a version is kept after its last analysis; null: for ever.',
});
const Gate = Type.Union([Type.String(), Type.Null()], {
  description: 'Id of the quality gate that its analyses are held against; null: the organization’s default.',
});
const ProjectBody = Type.Object({
  id: Type.String(),
  key: Type.String({ description: 'SonarQube’s project key. Never changes.' }),
  name: Type.String(),
  retentionVersions: RetentionVersions,
  retentionDays: RetentionDays,
  gate: Gate,
  created: Type.String({ format: 'date-time' }),
});
const params = Type.Object({
  key: Type.String({ description: `The project’s key, percent-encoded, at most ${projectKeyCharactersMax} characters.` }),
});
const tags = ['Projects'];

function bodyOf(project: Project) {
  return { ...project, created: timestampText(project.created) };
}

export interface ProjectRoutesDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Identifiers;
  /** What other nouns delete when a project goes. */
  readonly deletionSteps: readonly DeletionStep[];
  /** Fails with `unknown_gate` where there is no quality gate of this id; holds it until the unit ends. */
  readonly assertGateThere?: (options: { readonly tx: Tx; readonly organization: string; readonly gate: string }) => Promise<void>;
  /** A project has another name now: whoever keeps a copy of it is told, after the commit. */
  readonly renamed?: (scope: { readonly organization: string; readonly project: string; readonly name: string }) => Promise<void>;
}

export function projectRoutes(server: HttpServer, deps: ProjectRoutesDeps): void {
  readRoutes(server, deps);
  writeRoutes(server, deps);
}

function readRoutes(server: HttpServer, { database }: ProjectRoutesDeps): void {
  server.get(
    '/v1/projects',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List projects',
        description: 'All projects that the token may see, by key.',
        tags,
        querystring: Type.Object(pageParameters),
        response: { 200: Type.Object({ projects: Type.Array(ProjectBody) }) },
      },
    },
    async (request, reply) => {
      const { limit = pageLimitDefault, cursor } = request.query;
      const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0]);
      const { organization, project } = request.caller;
      const projects = await listProjects({ read: database.read, organization, onlyProject: project, limit: limit + 1, after });
      const last = projects[limit - 1];
      if (projects.length > limit && last !== undefined) nextLink(request, reply, encodeCursor([last.key]));
      return { projects: projects.slice(0, limit).map(bodyOf) };
    },
  );
  server.get(
    '/v1/projects/:key',
    {
      config: { scope: 'read' },
      schema: { summary: 'Show a project', description: 'One project.', tags, params, response: { 200: ProjectBody } },
    },
    async (request) => bodyOf(await callersProject({ read: database.read, caller: request.caller, key: request.params.key })),
  );
}

function writeRoutes(server: HttpServer, { database, clock, ids, deletionSteps, assertGateThere, renamed }: ProjectRoutesDeps): void {
  server.patch(
    '/v1/projects/:key',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Change a project',
        description: 'Changes the name, what is kept, or the quality gate. What is not named stays as it is. The key cannot be changed.',
        tags,
        params,
        body: Type.Object(
          {
            name: Type.Optional(Type.String()),
            retentionVersions: Type.Optional(RetentionVersions),
            retentionDays: Type.Optional(RetentionDays),
            gate: Type.Optional(Gate),
          },
          { additionalProperties: false },
        ),
        response: { 200: ProjectBody },
      },
    },
    async (request) => {
      const { organization, token } = request.caller;
      const project = await callersProject({ read: database.read, caller: request.caller, key: request.params.key });
      const change = request.body;
      const actor = `token:${token}` as const;
      const changed = await database.write(async (tx) => {
        if (typeof change.gate === 'string') await assertGateThere?.({ tx, organization, gate: change.gate });
        return updateProject({ tx, organization, project, change, actor, ids, clock });
      });
      if (changed.name !== project.name) await renamed?.({ organization, project: project.id, name: changed.name });
      return bodyOf(changed);
    },
  );
  server.delete(
    '/v1/projects/:key',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Delete a project',
        description:
          'Deletes the project with its analyses, findings, reports, webhooks and tokens. The audit log keeps the trace. It cannot be undone.',
        tags,
        params,
        response: { 204: Type.Null({ description: 'It is gone.' }) },
      },
    },
    async (request, reply) => {
      const { organization, token } = request.caller;
      const project = await callersProject({ read: database.read, caller: request.caller, key: request.params.key });
      await deleteProject({ database, steps: deletionSteps, organization, project, actor: `token:${token}`, ids, clock });
      return reply.code(204).send(null);
    },
  );
}
