import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FindCaller } from '../http/authentication.ts';
import { errorReply } from '../http/errors.ts';
import type { HttpServer } from '../http/http-server.ts';
import { sonarqubeJson } from '../webhooks/dialects/sonarqube-json.ts';
import type { Actions, Answered, OpenActions, SonarqubeApiDeps } from './action.ts';
import { deliveryActions } from './deliveries.ts';
import { gateActions } from './gates.ts';
import { callerShown } from './login.ts';
import { formBytesMax, readParameters } from './parameters.ts';
import { projectActions } from './projects.ts';
import { serverActions, settingActions } from './server.ts';
import { taskActions } from './tasks.ts';
import { webhookActions } from './webhooks.ts';
import { refused } from './words.ts';

const methods = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];
const prefix = '/api/';
const contentTypeDefault = 'application/json';

export interface SonarqubeApiOptions extends SonarqubeApiDeps {
  readonly findCaller: FindCaller;
}

/**
 * `/api`: the calls of SonarQube's Web API that its clients make around webhooks and analyses, answered as it answers them (its contract, sections
 * 4, 5.1 and 5.2): paths, methods, parameters, messages, statuses, the order of checks. In a context of its own, so that nothing of it is anywhere else.
 */
export async function sonarqubeApi(server: HttpServer, options: SonarqubeApiOptions): Promise<void> {
  const { findCaller } = options;
  const open = serverActions(options, (request) => callerShown(request.headers.authorization, findCaller));
  const actions: Actions = {
    ...settingActions(options),
    ...webhookActions(options),
    ...deliveryActions(options),
    ...projectActions(options),
    ...taskActions(options),
    ...gateActions(options),
  };
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.setErrorHandler(sendRefusal);
    for (const url of ['/api', '/api/*']) {
      scope.route({
        method: methods,
        url,
        bodyLimit: formBytesMax,
        config: { scope: null, idempotency: 'none' },
        schema: { hide: true },
        handler: (request, reply) => answer({ request, reply, open, actions, findCaller }),
      });
    }
  });
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly open: OpenActions;
  readonly actions: Actions;
  readonly findCaller: FindCaller;
}

async function answer({ request, reply, open, actions, findCaller }: Exchange): Promise<FastifyReply> {
  const path = pathOf(request);
  const named = path.startsWith(prefix) ? path.slice(prefix.length).replace(/\.json$/, '') : '';
  const openAction = Object.hasOwn(open, named) ? open[named] : undefined;
  if (openAction !== undefined && request.method === 'GET') return send(reply, await openAction.run(request), openAction.contentType);
  const caller = await callerShown(request.headers.authorization, findCaller);
  if (caller === null) return reply.code(401).send();
  request.notes.organization = caller.slug;
  request.notes.token = caller.token;
  const { method } = request;
  if (method === 'HEAD' || method === 'OPTIONS') return reply.code(405).send();
  const action = Object.hasOwn(actions, named) ? actions[named] : undefined;
  const required = openAction === undefined ? action?.method : 'GET';
  if (required !== undefined && method !== required) return sendWords(reply, 405, wrongMethod(method, required));
  if (path.endsWith('/')) throw refused.incorrectUrl(path);
  if (action === undefined) throw refused.unknownUrl(path);
  const parameters = await readParameters({
    query: request.url.slice(path.length + 1),
    contentType: request.headers['content-type'],
    body: Buffer.isBuffer(request.body) ? request.body : null,
  });
  return send(reply, await action.run({ caller, parameters, serverUrl: request.server.publicUrl(request) }));
}

function pathOf(request: FastifyRequest): string {
  const question = request.url.indexOf('?');
  return question < 0 ? request.url : request.url.slice(0, question);
}

function wrongMethod(method: string, required: string): string {
  return method === 'GET' || method === 'POST' ? `HTTP method ${required} is required` : `HTTP method ${method} is not allowed`;
}

function send(reply: FastifyReply, answered: Answered, contentType?: string): FastifyReply {
  reply.header('cache-control', 'no-cache, no-store, must-revalidate');
  if (answered === null) return reply.code(204).send();
  if (typeof answered === 'string') return sendText(reply, 200, answered, contentType ?? 'text/plain');
  return sendText(reply, 200, sonarqubeJson(answered), contentType ?? contentTypeDefault);
}

function sendWords(reply: FastifyReply, status: number, message: string): FastifyReply {
  return sendText(reply, status, sonarqubeJson({ errors: [{ msg: message }] }), contentTypeDefault);
}

/** As bytes: to a text the server would add a charset, which SonarQube's answers do not have. */
function sendText(reply: FastifyReply, status: number, text: string, contentType: string): FastifyReply {
  return reply.code(status).header('content-type', contentType).send(Buffer.from(text, 'utf8'));
}

/** Our own failures say what SonarQube's say. They are logged whole, here and nowhere else. */
async function sendRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { status, body, ours } = errorReply(error);
  if (ours) request.log.error({ err: error }, 'request failed');
  request.notes['code'] = body.code;
  if (status === 401) return reply.code(401).send();
  return sendWords(reply, status, ours ? 'An error has occurred. Please contact your administrator' : body.message);
}
