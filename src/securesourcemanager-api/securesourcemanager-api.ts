import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpServer } from '../http/http-server.ts';
import type { Action, ActionDeps, SecureSourceManagerApiDeps } from './action.ts';
import { resourceNotFound, sendGoogleError } from './errors.ts';
import { hookActions } from './hooks.ts';
import { parseMessage } from './message.ts';
import { checkedPlace } from './names.ts';
import { operationActions } from './operation-actions.ts';
import { createOperationIds } from './operations.ts';
import { readQuery } from './query.ts';
import { repositoryActions } from './repositories.ts';

const methods = ['DELETE', 'GET', 'PATCH', 'POST', 'PUT'];
const prefix = '/securesourcemanager/v1/projects/:project/locations/:location';

/**
 * `/securesourcemanager/v1`: hooks as the REST resource that Secure Source Manager's clients know (its contract, section 1.6), over the store of
 * `/v1/webhooks`. For clients whose end point was changed to this server. In a context of its own, so that nothing of it is anywhere else.
 */
export async function secureSourceManagerApi(server: HttpServer, options: SecureSourceManagerApiDeps): Promise<void> {
  const deps: ActionDeps = { ...options, operations: createOperationIds(options.sealer) };
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.setErrorHandler(sendGoogleError);
    for (const action of [...hookActions(deps), ...repositoryActions(deps), ...operationActions(deps)]) {
      scope.route({
        method: action.method,
        url: `${prefix}${action.path}`,
        config: { scope: action.scope },
        schema: { hide: true },
        handler: (request, reply) => answer(action, request, reply),
      });
    }
    scope.route({
      method: methods,
      url: '/securesourcemanager/*',
      config: { scope: null, idempotency: 'none' },
      schema: { hide: true },
      handler: (request) => {
        throw resourceNotFound(`${request.method} ${pathOf(request)}`);
      },
    });
  });
}

async function answer(action: Action, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { project = '', location = '', ...named } = request.params as Readonly<Record<string, string>>;
  const { caller } = request;
  const query = readQuery(request.url, action.parameters);
  const place = checkedPlace({ project, location }, caller.slug);
  const body = parseMessage(request.body);
  const said = await action.run({ caller, place, named, query, body, serverUrl: request.server.publicUrl(request) });
  reply.type('application/json; charset=utf-8').header('cache-control', 'private');
  return reply.send(query.isPretty ? JSON.stringify(said, null, 2) : JSON.stringify(said));
}

function pathOf(request: FastifyRequest): string {
  const question = request.url.indexOf('?');
  return question < 0 ? request.url : request.url.slice(0, question);
}
