import { Type } from 'typebox';
import type { HttpServer } from './http-server.ts';

export interface HealthCheck {
  readonly name: string;
  /** Throws where it is not well. What it throws is logged; the answer says `failing` alone. */
  readonly check: () => Promise<void>;
}

/** A check that takes longer is failing. */
export const checkMsMax = 2_000;

const Ready = Type.Object({
  status: Type.Union([Type.Literal('ready'), Type.Literal('not ready')]),
  checks: Type.Record(Type.String(), Type.Union([Type.Literal('ok'), Type.Literal('failing')])),
});

/** `/healthz`: the process answers. `/readyz`: it can also do its work; which part cannot is named. */
export function healthRoutes(server: HttpServer, { checks }: { readonly checks: readonly HealthCheck[] }): void {
  server.get(
    '/healthz',
    {
      config: { scope: null },
      schema: {
        summary: 'Whether the process answers',
        description: 'Answers as long as the process does. Restart it where this fails.',
        tags: ['Operation'],
        response: { 200: Type.Object({ status: Type.Literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  );
  server.get(
    '/readyz',
    {
      config: { scope: null },
      schema: {
        summary: 'Whether it can do its work',
        description: 'Checks the database and the artefact store. Send no requests here while this answers 503.',
        tags: ['Operation'],
        response: { 200: Ready, 503: Ready },
      },
    },
    async (request, reply) => {
      const results = await Promise.all(
        checks.map(async ({ name, check }) => {
          try {
            await withinLimit(check());
            return [name, 'ok'] as const;
          } catch (error) {
            request.log.warn({ err: error, check: name }, 'not ready');
            return [name, 'failing'] as const;
          }
        }),
      );
      const ready = results.every(([, result]) => result === 'ok');
      reply.header('cache-control', 'no-store').code(ready ? 200 : 503);
      return { status: ready ? ('ready' as const) : ('not ready' as const), checks: Object.fromEntries(results) };
    },
  );
}

async function withinLimit(check: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`The check took longer than ${checkMsMax} ms.`)), checkMsMax);
  try {
    await Promise.race([check, promise]);
  } finally {
    clearTimeout(timer);
  }
}
