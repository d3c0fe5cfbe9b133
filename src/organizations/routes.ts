import { Type } from 'typebox';
import type { Clock } from '../clock.ts';
import { timestampText } from '../clock.ts';
import { GatepostError, invalid, notFound } from '../errors.ts';
import type { Caller } from '../http/caller.ts';
import type { HttpServer } from '../http/http-server.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Database } from '../storage/database/database.ts';
import type { DeletionStep } from './deletion.ts';
import { deleteOrganization } from './delete.ts';
import type { Organization, StandardChoice } from './organization.ts';
import { mailAddressesMax } from './organization.ts';
import { readOrganization, updateOrganization } from './store.ts';

export interface OrganizationRoutesDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Identifiers;
  /** Languages that reports can be written in. */
  readonly languages: readonly string[];
  /** Standards and editions that reports can be made of. */
  readonly standards: readonly StandardChoice[];
  /** What other nouns delete when an organization goes. */
  readonly deletionSteps: readonly DeletionStep[];
}

const Standard = Type.Object({ type: Type.String(), edition: Type.Integer() }, { additionalProperties: false });
const Standards = Type.Union([Type.Array(Standard, { minItems: 1, maxItems: 50 }), Type.Null()], {
  description: 'Which reports are made of an analysis; null: the newest edition of each standard.',
});
const MailTo = Type.Array(Type.String(), {
  description: `Who is told by mail of webhooks that do not work; at most ${mailAddressesMax} addresses. The operator sets the mail server.`,
});
const OrganizationBody = Type.Object({
  id: Type.String({ description: 'What readers of the report API must know.' }),
  slug: Type.String(),
  name: Type.String(),
  language: Type.String({ description: 'Of the reports.' }),
  readsNeedToken: Type.Boolean({ description: 'Whether the two calls of the report API need a token.' }),
  standards: Standards,
  mailTo: MailTo,
  created: Type.String({ format: 'date-time' }),
});
const tags = ['Organization'];

function bodyOf(organization: Organization) {
  const { standards, mailTo, created } = organization;
  return {
    ...organization,
    standards: standards === null ? null : standards.map((choice) => ({ ...choice })),
    mailTo: [...mailTo],
    created: timestampText(created),
  };
}

/** Fails with `project_token` (403) where the token is for one project: what concerns all is not for it. */
export function requireWholeOrganization(caller: Caller): void {
  if (caller.project !== null)
    throw new GatepostError('forbidden', 'project_token', 'The token is for one project alone; this concerns the organization.');
}

export function organizationRoutes(server: HttpServer, deps: OrganizationRoutesDeps): void {
  const { database } = deps;
  const current = async (caller: Caller): Promise<Organization> => {
    const organization = await readOrganization({ read: database.read, organization: caller.organization });
    if (organization === null) throw notFound('unknown_organization', 'The organization is gone.');
    return organization;
  };
  server.get(
    '/v1/organization',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Show the organization',
        description: 'The organization that the token belongs to.',
        tags,
        response: { 200: OrganizationBody },
      },
    },
    async (request) => bodyOf(await current(request.caller)),
  );
  changeRoute(server, { ...deps, current });
  deleteRoute(server, { ...deps, current });
}

interface Current {
  readonly current: (caller: Caller) => Promise<Organization>;
}

function changeRoute(server: HttpServer, deps: OrganizationRoutesDeps & Current): void {
  const { database, ids, clock, current } = deps;
  server.patch(
    '/v1/organization',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Change the organization',
        description:
          'Changes name, language, standards, whether the report API needs a token, or who gets mail. What is not named stays as it is.',
        tags,
        body: Type.Object(
          {
            name: Type.Optional(Type.String()),
            language: Type.Optional(Type.String()),
            readsNeedToken: Type.Optional(Type.Boolean()),
            standards: Type.Optional(Standards),
            mailTo: Type.Optional(MailTo),
          },
          { additionalProperties: false },
        ),
        response: { 200: OrganizationBody },
      },
    },
    async (request) => {
      requireWholeOrganization(request.caller);
      const { organization, slug, token } = request.caller;
      const change = request.body;
      if (change.language !== undefined && !deps.languages.includes(change.language)) {
        throw invalid('invalid_language', `The language must be one of: ${deps.languages.join(', ')}.`, { field: 'language' });
      }
      checkStandards(change.standards ?? [], deps.standards);
      await database.write((tx) => updateOrganization({ tx, organization, slug, change, actor: `token:${token}`, ids, clock }));
      return bodyOf(await current(request.caller));
    },
  );
}

function checkStandards(chosen: readonly StandardChoice[], known: readonly StandardChoice[]): void {
  const nameOf = ({ type, edition }: StandardChoice): string => `${type} ${edition}`;
  const names = known.map(nameOf);
  const unknown = chosen.find((choice) => !names.includes(nameOf(choice)));
  if (unknown !== undefined)
    throw invalid('unknown_standard', `"${nameOf(unknown)}" is none of: ${names.join(', ')}.`, { field: 'standards' });
  if (new Set(chosen.map(nameOf)).size < chosen.length)
    throw invalid('standard_twice', 'A standard is named twice.', { field: 'standards' });
}

function deleteRoute(server: HttpServer, { database, ids, clock, current, deletionSteps }: OrganizationRoutesDeps & Current): void {
  server.delete(
    '/v1/organization',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Delete the organization',
        description:
          'Deletes the organization with all that is its own. It cannot be undone. All other tokens end at once, this one with the last row.',
        tags,
        querystring: Type.Object({ confirm: Type.String({ description: 'The organization’s slug, so that it is not done by mistake.' }) }),
        response: { 204: Type.Null({ description: 'It is gone.' }) },
      },
    },
    async (request, reply) => {
      requireWholeOrganization(request.caller);
      const organization = await current(request.caller);
      if (request.query.confirm !== organization.slug) {
        throw invalid('not_confirmed', 'Nothing was deleted: "confirm" must be the slug of the organization.', { field: 'confirm' });
      }
      await deleteOrganization({
        database,
        steps: deletionSteps,
        organization,
        exceptToken: request.caller.token,
        actor: `token:${request.caller.token}`,
        ids,
        clock,
      });
      request.log.info({ organization: organization.slug, token: request.caller.token }, 'organization.deleted');
      return reply.code(204).send(null);
    },
  );
}
