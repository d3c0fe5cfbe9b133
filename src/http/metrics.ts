import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { HttpServer } from './http-server.ts';
import { whenSettled } from './settled.ts';

/** A registry of its own for each server, so that two in one process (a test) do not share one. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Measures every request by method, route and status, and serves all metrics at `/metrics`. Labels never name an organization. */
export function metricsRoutes(server: HttpServer, { registry }: { readonly registry: Registry }): void {
  const duration = new Histogram({
    name: 'gatepost_http_request_duration_seconds',
    help: 'How long requests took, to the last byte sent.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120],
    registers: [registry],
  });
  whenSettled(server, (request, reply, aborted) => {
    const route = request.routeOptions.url ?? 'none';
    duration.observe({ method: request.method, route, status: aborted ? 'aborted' : String(reply.statusCode) }, reply.elapsedTime / 1000);
  });
  server.get(
    '/metrics',
    {
      config: { scope: null },
      schema: {
        summary: 'Metrics',
        description: 'Counters and durations as text for Prometheus. Names no organization and no project.',
        tags: ['Operation'],
        produces: ['text/plain'],
      },
    },
    async (_request, reply) => {
      reply.type(registry.contentType);
      return registry.metrics();
    },
  );
}
