import type { HttpServer } from './http-server.ts';

/** Answers what no route takes, in our shape: 405 with `Allow` where the path is known under another method, else 404. */
export function answerUnmatched(server: HttpServer): void {
  const known: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  server.addHook('onRoute', ({ url, method }) => {
    known.push({ pattern: patternOf(url), methods: typeof method === 'string' ? [method] : method });
  });
  server.setNotFoundHandler(async (request, reply) => {
    const question = request.url.indexOf('?');
    const path = question < 0 ? request.url : request.url.slice(0, question);
    const methods = [...new Set(known.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods))].sort();
    reply.header('cache-control', 'no-store');
    if (methods.length === 0) {
      request.notes['code'] = 'not_found';
      return reply.code(404).send({ code: 'not_found', message: 'There is nothing at this path.' });
    }
    request.notes['code'] = 'method_not_allowed';
    reply.code(405).header('allow', methods.join(', '));
    return reply.send({ code: 'method_not_allowed', message: `This path does not take ${request.method}.`, details: { allow: methods } });
  });
}

function patternOf(url: string): RegExp {
  const source = url
    .split('/')
    .map((part) => (part === '*' ? '.*' : part.replaceAll(/[.+?^${}()|[\]\\*]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+')))
    .join('/');
  return new RegExp(`^${source}$`);
}
