export const scopes = ['read', 'ingest', 'repository:read', 'repository:write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** Who is calling: a token, and what it may do. */
export interface Caller {
  /** Organization id. */
  readonly organization: string;
  readonly slug: string;
  /** Token id. */
  readonly token: string;
  readonly scopes: readonly Scope[];
  /** Project id, where the token is for one project alone. */
  readonly project: string | null;
}

/** What a request adds to its own log line. Never a secret, and no organization's id: its slug. */
export interface RequestNotes {
  organization?: string;
  token?: string;
  [name: string]: string | number | boolean | undefined;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a token must allow for this route; null: open. A route that names none cannot be registered. */
    readonly scope?: Scope | null;
    /** `streamed`: the body is no JSON; the handler calls `beginIdempotent` itself once it knows the body's hash. `none`: never kept. */
    readonly idempotency?: 'streamed' | 'none';
  }
  interface FastifyRequest {
    /** Set by authentication on every route with a scope. */
    caller: Caller;
    notes: RequestNotes;
  }
  interface FastifyInstance {
    /** The caller of an open route, where it shows a token: null without one, an error for a bad one. */
    authenticate(request: FastifyRequest): Promise<Caller | null>;
    /** The base of every link we give out, without a slash at the end: `https://example.org/gatepost`. */
    publicUrl(request: FastifyRequest): string;
    /**
     * For routes with `idempotency: 'streamed'`: says what the body's hash is. True: the answer of the first call was sent, do nothing more.
     * Fails with `idempotency_key_reused` and `idempotency_key_in_use`.
     */
    beginIdempotent(request: FastifyRequest, reply: FastifyReply, bodySha256: string): Promise<boolean>;
  }
}

/** Whether these scopes allow what the route needs: `admin` allows all, and whoever may write to repositories may read them. */
export function allows(held: readonly Scope[], needed: Scope): boolean {
  return held.includes(needed) || held.includes('admin') || (needed === 'repository:read' && held.includes('repository:write'));
}
