import { pino } from 'pino';
import type { Clock } from '../src/clock.ts';
import type { HttpServer } from '../src/http/http-server.ts';
import { createHttpServer } from '../src/http/server.ts';
import type { Identifiers } from '../src/identifiers.ts';
import { createIdentifiers } from '../src/identifiers.ts';
import { createOrganization } from '../src/organizations/store.ts';
import { createTokenLookup } from '../src/organizations/token-lookup.ts';
import type { Database } from '../src/storage/database/database.ts';

/** A clock that stands until it is moved. */
export interface TestClock extends Clock {
  ms: number;
}

export function createTestClock(ms = 1_800_000_000_000): TestClock {
  const clock: TestClock = { ms, now: () => clock.ms };
  return clock;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface TestServer {
  readonly server: HttpServer;
  readonly clock: TestClock;
  readonly ids: Identifiers;
  /** A new organization and its first token, with every scope. */
  organization(name: string): Promise<{ readonly id: string; readonly slug: string; readonly token: string; readonly tokenId: string }>;
  /** One call; `as` is a token. */
  call(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'HEAD',
    url: string,
    options?: { readonly as?: string; readonly body?: unknown },
  ): Promise<Answer>;
}

/** A server with real tokens over this database, for a noun's routes to be registered on. Nothing listens: calls are injected. */
export async function createTestServer({
  database,
  clock = createTestClock(),
}: {
  readonly database: Database;
  readonly clock?: TestClock;
}): Promise<TestServer> {
  const ids = createIdentifiers(clock);
  const log = pino({ level: 'silent' });
  const lookup = createTokenLookup({ database, clock, log });
  const server = await createHttpServer({ log, ids, version: '0.0.0', findCaller: lookup.find });
  return {
    server,
    clock,
    ids,
    async organization(name) {
      const { organization, token } = await database.write((tx) => createOrganization({ tx, name, actor: 'cli', ids, clock }));
      return { id: organization.id, slug: organization.slug, token: token.token, tokenId: token.id };
    },
    async call(method, url, { as, body } = {}) {
      const answer = await server.inject({
        method,
        url,
        headers: {
          ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      });
      const isJson = (answer.headers['content-type'] ?? '').includes('json');
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: answer.payload,
        json: isJson && answer.payload !== '' ? answer.json<Record<string, unknown>>() : {},
      };
    },
  };
}
