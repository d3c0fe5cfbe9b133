import { Type } from 'typebox';
import type { HttpServer } from '../../http/http-server.ts';
import { encodeCursor, nextLink } from '../../http/paging.ts';
import type { Database } from '../../storage/database/database.ts';
import { contentTag, matchesTag } from '../etag.ts';
import { checkOpenAccess } from '../open-access.ts';
import type { OpenLimits } from '../open-limits.ts';
import { createListStore } from './page.ts';
import { ListParameters, readListQuery } from './query.ts';

const ListedReport = Type.Object({
  projectName: Type.String(),
  id: Type.String({ format: 'uuid' }),
  reportType: Type.String({ description: 'Such as `CWE Top 25`.' }),
  reportVersion: Type.Number({ description: 'The edition of the standard.' }),
  projectVersion: Type.String({ description: 'As it came.' }),
  date: Type.String({ description: 'When the analysis was made: RFC 3339 with a numeric offset.' }),
  uploadDate: Type.String({ description: 'When the report came in.' }),
  vulnerabilitiesCount: Type.Integer(),
  securityRating: Type.Union([Type.String({ pattern: '^[A-E]$' }), Type.Null()], { description: 'Null: not assessed.' }),
});

/** `GET /security/report/list`, as the report API's contract (section 3) has it. */
export function reportListRoutes(
  server: HttpServer,
  { database, limits }: { readonly database: Database; readonly limits: OpenLimits },
): void {
  const store = createListStore(database);
  server.get(
    '/security/report/list',
    {
      config: { scope: null },
      schema: {
        summary: 'List reports',
        description:
          'The reports of an organization, newest product version first, then newest date, then id. A plus sign in a version is written `%2B`. The next page is named in a `Link` header.',
        tags: ['Report API'],
        querystring: ListParameters,
        response: {
          // A text: the page is joined from what each report looks like, without being parsed.
          200: Type.Unsafe<string>(Type.Object({ organizationId: Type.String({ format: 'uuid' }), reports: Type.Array(ListedReport) })),
          204: Type.Null({ description: 'There is no such organization.' }),
          304: Type.Null({ description: 'Not changed since the `ETag` of `If-None-Match`.' }),
        },
      },
    },
    async (request, reply) => {
      limits.admit(request.ip);
      const query = readListQuery(request.query);
      const organization = await store.readOrganization(query.organization);
      if (organization === null) return reply.code(204).send(null);
      request.notes.organization = organization.slug;
      const { project } = await checkOpenAccess(request, { organization: query.organization, readsNeedToken: organization.readsNeedToken });
      const page = await store.readPage(query, project);
      const body = bodyOf(query.organization, page.reports);
      const tag = `${contentTag(body)}${page.next === null ? '' : '-more'}`;
      // Weak: the same page compressed has other bytes.
      reply.header('etag', `W/"${tag}"`).header('cache-control', 'private, no-cache');
      if (page.next !== null) nextLink(request, reply, encodeCursor([page.next.versionKey, page.next.date, page.next.id]));
      if (matchesTag(request.headers['if-none-match'], tag)) return reply.code(304).send(null);
      return reply.type('application/json; charset=utf-8').send(body);
    },
  );
}

/** Joined in one go: what is put together piece by piece would be copied once more by whoever reads it. */
function bodyOf(organization: string, reports: readonly string[]): string {
  const parts = [...reports];
  const last = parts.length - 1;
  const head = `{"organizationId":"${organization}","reports":[`;
  if (last < 0) return `${head}]}`;
  parts[0] = `${head}${parts[0]}`;
  parts[last] = `${parts[last]}]}`;
  return parts.join(',');
}
