import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import type { Caller, Scope } from '../../src/http/caller.ts';
import { createIdempotencyStore } from '../../src/http/idempotency-store.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { nextNumber } from '../../src/organizations/people.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import { createSealer } from '../../src/secret-key.ts';
import { secureSourceManagerApi } from '../../src/securesourcemanager-api/securesourcemanager-api.ts';
import type { Database } from '../../src/storage/database/database.ts';
import { createGuard, parseAllowlist } from '../../src/webhooks/delivery/guard.ts';

// The front door alone, over real rows and without git: who calls is a word in the place of a token.

export const ids = createIdentifiers();
export const sealer = createSealer(Buffer.alloc(32, 7));

export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The body as JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Asked {
  /** `admin`, `reader`, `git`, `of-shop`, `stranger`; left out: the administrator. Null: nobody. */
  readonly as?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Door {
  readonly organization: string;
  readonly database: Database;
  readonly woken: string[];
  /** A path behind `/securesourcemanager/v1/projects/example/locations/`, or a whole one. */
  ask(method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT', path: string, asked?: Asked): Promise<Told>;
  /** A repository of the organization, without files; answers its id. */
  repository(name: string, project?: string | null): Promise<string>;
}

export async function openDoor(t: TestContext, database: Database): Promise<Door> {
  const clock = systemClock;
  const make = (name: string) => database.write((tx) => createOrganization({ tx, name, actor: 'cli', ids, clock }));
  const [{ organization }, { organization: other }] = [await make('Example'), await make('Strangers')];
  const callerOf = (held: readonly Scope[], more: Partial<Caller> = {}): Caller => {
    return { organization: organization.id, slug: 'example', token: ids.next(), scopes: held, project: null, ...more };
  };
  const callers: Readonly<Record<string, Caller>> = {
    admin: callerOf(['admin']),
    reader: callerOf(['read']),
    git: callerOf(['repository:write']),
    'of-shop': callerOf(['admin'], { project: 'shop' }),
    stranger: callerOf(['admin'], { organization: other.id, slug: other.slug }),
  };
  const server = await createHttpServer({
    log: pino({ level: 'silent' }),
    version: '0.0.0',
    ids,
    findCaller: async (token) => callers[token] ?? null,
    idempotency: createIdempotencyStore({ database, clock, sealer }),
    publicUrl: 'https://gatepost.example.org',
  });
  t.after(() => server.close());
  const woken: string[] = [];
  const guard = createGuard({
    allow: parseAllowlist(['127.0.0.0/8']),
    clock,
    resolve: async () => [{ address: '93.184.215.14', family: 4 }],
  });
  await secureSourceManagerApi(server, { database, sealer, guard, clock, ids, wake: (webhook) => woken.push(webhook) });
  return {
    organization: organization.id,
    database,
    woken,
    async ask(method, path, { as = 'admin', body, headers = {} } = {}) {
      const answer = await server.inject({
        method,
        url: path.startsWith('/') ? path : `/securesourcemanager/v1/projects/example/locations/${path}`,
        headers: {
          ...(as === null ? {} : { authorization: `Bearer ${as}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = answer.payload;
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text,
        json: text.startsWith('{') ? (JSON.parse(text) as Told['json']) : {},
      };
    },
    async repository(name, project = null) {
      const id = ids.next();
      await database.write(async (tx) => {
        const number = await nextNumber(tx, 'repositories');
        const row = { id, organization: organization.id, number, name, name_key: name, description: 'A shop', project };
        const rest = { default_branch: 'main', node: database.node, created: 0, updated: 1_000 };
        await tx
          .insertInto('repositories')
          .values({ ...row, ...rest, bytes_max: null, object_bytes_max: null, refs_max: null, pushed: null })
          .execute();
      });
      return id;
    },
  };
}
