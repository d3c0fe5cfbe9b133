import { Type } from 'typebox';
import { GatepostError } from '../../errors.ts';
import type { HttpServer } from '../../http/http-server.ts';
import type { Intake } from './intake.ts';
import { readPayload } from './payload.ts';
import type { Receipts } from './receipts.ts';
import type { SourceLookup } from './source-lookup.ts';
import { takesProject } from './source.ts';
import { unknownSource } from './source-store.ts';

/** A body has 1 to 4 KB; what grows it are properties, which over there have no limit. */
export const payloadBytesMax = 1024 * 1024;
const signatureHeader = 'x-sonar-webhook-hmac-sha256';

export interface IngestRoutesDeps {
  readonly lookup: SourceLookup;
  readonly intake: Intake;
  readonly receipts: Receipts;
  /** An analysis of this source is there whose findings are to be fetched. */
  readonly taken: (source: string) => void;
}

const Answer = Type.Object({
  analysis: Type.Union([Type.String(), Type.Null()], { description: 'Our analysis; null where none was made.' }),
  status: Type.Enum(['accepted', 'known', 'ignored'], {
    description:
      '`accepted`: on disk, and so is what webhooks are told of it. `known`: the same task, or the same bytes, came before. `ignored`: the source takes in other projects.',
  }),
});

/** Where SonarQube's webhooks come in. Its bodies are bytes here and nowhere else, since they are verified before anything reads them. */
export async function ingestRoutes(server: HttpServer, deps: IngestRoutesDeps): Promise<void> {
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: payloadBytesMax }, (_request, body, done) => done(null, body));
    ingestRoute(scope, deps);
  });
}

function ingestRoute(server: HttpServer, { lookup, intake, receipts, taken }: IngestRoutesDeps): void {
  server.post(
    '/ingest/sonarqube/:source',
    {
      config: { scope: null, idempotency: 'none' },
      bodyLimit: payloadBytesMax,
      // A few dozen bytes: nothing to compress, and no hook to ask.
      compress: false,
      schema: {
        summary: 'Take in a webhook of SonarQube',
        description: `Where a source’s SonarQube sends its webhooks: the body as it sends it (at most ${payloadBytesMax} bytes), signed with the source’s secret in \`X-Sonar-Webhook-HMAC-SHA256\` (lower-case hexadecimal). The signature is verified over the very bytes before anything reads them; without a valid one: 401 \`invalid_signature\`. Answered once the analysis is on disk; its findings are fetched and its reports made afterwards. The same task, or the same bytes, twice is one analysis.`,
        tags: ['Sources'],
        params: Type.Object({ source: Type.String({ description: 'The source’s id.' }) }),
        response: { 200: Answer },
      },
    },
    async (request) => {
      const { notes } = request;
      const source = await lookup.find(request.params.source);
      if (source === null) throw unknownSource();
      notes['source'] = source.id;
      notes.organization = source.slug;
      const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const signature = signatureOf(request.headers[signatureHeader]);
      if (signature === null || !source.isSignedBy(signature, bytes)) throw invalidSignature();
      const payload = readPayload(bytes);
      const { organization, slug } = source;
      receipts.note(source);
      if (!takesProject(source.settings, payload.project.key)) return { analysis: null, status: 'ignored' as const };
      const publicUrl = server.publicUrl(request);
      const { analysis, isNew } = await intake.take({ organization, slug, source: source.id, payload, bytes, publicUrl });
      notes['analysis'] = analysis;
      if (isNew && payload.status === 'SUCCESS') taken(source.id);
      return { analysis, status: isNew ? ('accepted' as const) : ('known' as const) };
    },
  );
}

/** Exactly 64 lower-case hexadecimal digits. A header that came twice is one text with a comma here, so it is none. */
function signatureOf(header: string | readonly string[] | undefined): Buffer | null {
  return typeof header === 'string' && /^[0-9a-f]{64}$/.test(header) ? Buffer.from(header, 'hex') : null;
}

/** The same for whatever is wrong with it: who guesses learns nothing. */
function invalidSignature(): GatepostError {
  return new GatepostError('unauthenticated', 'invalid_signature', 'The signature is not valid for this body.');
}
