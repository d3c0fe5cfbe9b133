import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatepostError } from '../../errors.ts';
import type { FindCaller } from '../../http/authentication.ts';
import { errorReply } from '../../http/errors.ts';
import type { HttpServer } from '../../http/http-server.ts';
import type { Database } from '../../storage/database/database.ts';
import type { Repository } from '../repository.ts';
import { findRenamed, findRepository, maySee, requireHere, unknownRepository } from '../store.ts';
import { basicChallenge, gitCaller, requireGitScope } from './caller.ts';
import type { AnswerGit, GitExchange, GitService } from './exchange.ts';
import { checkedProtocol, gitHeaders, goneSignal } from './exchange.ts';
import { gitsWords } from './gits-words.ts';
import type { FetchOptions } from './upload-pack.ts';
import { createInfoRefs, createUploadPack } from './upload-pack.ts';

export interface GitRoutesOptions extends FetchOptions {
  readonly database: Pick<Database, 'read' | 'node'>;
  readonly findCaller: FindCaller;
  /** Takes a push: `POST …/git-receive-pack`. */
  readonly receive: AnswerGit;
}

interface Named {
  readonly slug: string;
  readonly name: string;
}

const scopeOf = { 'git-upload-pack': 'repository:read', 'git-receive-pack': 'repository:write' } as const;
const config = { scope: null, idempotency: 'none' } as const;
const schema = { hide: true };

/**
 * git's smart protocol under `/git/<organization's slug>/<repository>.git`, in a context of its own: bodies are streams, refusals plain text that
 * git shows to people, and the token may be the password of Basic. A repository that was renamed is answered at its old name by the way to the new.
 */
export async function gitRoutes(server: HttpServer, options: GitRoutesOptions): Promise<void> {
  const infoRefs = createInfoRefs(options);
  const answers = { 'git-upload-pack': createUploadPack(options), 'git-receive-pack': options.receive };
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.setErrorHandler(sendPlain);
    scope.route({
      method: 'GET',
      url: '/git/:slug/:name/info/refs',
      config,
      schema,
      async handler(request, reply) {
        const service = serviceOf((request.query as { readonly service?: unknown }).service);
        const found = await letIn({ options, request, reply, service });
        if (found.renamed) return reply.code(301).redirect(placeOf(found.exchange, service), 301);
        return infoRefs(found.exchange, service);
      },
    });
    for (const service of ['git-upload-pack', 'git-receive-pack'] as const) {
      scope.route({
        method: 'POST',
        url: `/git/:slug/:name/${service}`,
        config,
        schema,
        async handler(request, reply) {
          const type = request.headers['content-type']?.trim().toLowerCase();
          if (type !== `application/x-${service}-request`) throw wrongType(service);
          return answers[service]((await letIn({ options, request, reply, service })).exchange);
        },
      });
    }
  });
}

/** The other, older way asks for files as they lie on the disk. */
function serviceOf(service: unknown): GitService {
  if (service === 'git-upload-pack' || service === 'git-receive-pack') return service;
  throw new GatepostError('forbidden', 'dumb_protocol', 'Only the smart protocol of git is spoken here: git 1.6.6 and newer.');
}

function wrongType(service: GitService): GatepostError {
  return new GatepostError('unsupported_media_type', 'unsupported_media_type', `Content-Type must be application/x-${service}-request.`);
}

interface Asked {
  readonly options: GitRoutesOptions;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly service: GitService;
}

/** Who asks is looked at first, so that one without a token learns nothing of what there is. */
async function letIn({ options, request, reply, service }: Asked): Promise<{ readonly exchange: GitExchange; readonly renamed: boolean }> {
  const { database, findCaller, git } = options;
  const caller = requireGitScope(await gitCaller(request, findCaller), scopeOf[service]);
  const { slug, name } = request.params as Named;
  const named = { read: database.read, organization: caller.organization, name: name.replace(/\.git$/i, '') };
  let repository: Repository | null = null;
  let renamed = false;
  if (slug === caller.slug) {
    repository = await findRepository(named);
    if (repository === null) {
      repository = await findRenamed(named);
      renamed = true;
    }
  }
  if (repository === null || !maySee(caller, repository)) throw unknownRepository();
  requireHere(repository, database);
  request.notes['repository'] = repository.name;
  await git.check(repository.id);
  const protocol = checkedProtocol(request.headers['git-protocol']);
  const serverUrl = request.server.publicUrl(request);
  return { exchange: { request, reply, caller, repository, protocol, serverUrl, gone: goneSignal(reply) }, renamed };
}

function placeOf({ serverUrl, repository }: GitExchange, service: GitService): string {
  return `${serverUrl}/git/${repository.slug}/${repository.name}.git/info/refs?service=${service}`;
}

/** As plain text, which git shows to whoever called it. Our own failures are logged whole, here and nowhere else. */
async function sendPlain(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { status, body, ours, retryAfterSeconds } = errorReply(error);
  if (ours) request.log.error({ err: error }, 'request failed');
  request.notes['code'] = body.code;
  const words = status === 503 ? gitsWords(request, body.message) : null;
  if (words !== null) return gitHeaders(reply, words.contentType).code(200).send(words.content);
  if (status === 401) reply.header('www-authenticate', basicChallenge);
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  return reply
    .code(status)
    .header('content-type', 'text/plain; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(`${body.message}\n`);
}
