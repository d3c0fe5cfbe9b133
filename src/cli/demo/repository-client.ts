/** A repository as its maker is told of it. */
export interface Repository {
  readonly name: string;
  readonly cloneUrl: string;
  readonly htmlUrl: string;
}

export interface Pull {
  readonly number: number;
  readonly state: string;
  readonly title: string;
  /** Null: that is not known yet. */
  readonly mergeable: boolean | null;
  readonly commits: number;
  readonly changedFiles: number;
  readonly mergeCommit: string | null;
}

export interface NewHook {
  readonly repository: string;
  readonly hookId: string;
  readonly targetUri: string;
  readonly sensitiveQueryString: string;
  readonly events: readonly string[];
}

/** The calls of the git side that the demo makes, as every program would make them. */
export interface RepositoryClient {
  createRepository(given: { readonly name: string; readonly description: string; readonly project: string }): Promise<Repository>;
  /** As a client of Secure Source Manager makes one; answers the hook's id here, and what its operation names. */
  createHook(hook: NewHook): Promise<{ readonly id: string; readonly operation: string }>;
  /** Gives a webhook a secret; answers it. */
  createSecret(webhook: string): Promise<string>;
  openPull(given: {
    readonly repository: string;
    readonly title: string;
    readonly body: string;
    readonly head: string;
    readonly base: string;
  }): Promise<Pull>;
  mergePull(given: { readonly repository: string; readonly number: number; readonly method: string }): Promise<Pull>;
}

const callMsMax = 60_000;

export interface RepositoryClientOptions {
  readonly url: string;
  readonly token: string;
  /** The organization's slug: what Google calls a project. */
  readonly slug: string;
}

export function createRepositoryClient({ url, token, slug }: RepositoryClientOptions): RepositoryClient {
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(callMsMax),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status}: ${text}`);
    return JSON.parse(text) as unknown;
  };
  return {
    createRepository: async (given) => (await post('/v1/repositories', given)) as Repository,
    async createHook({ repository, hookId, ...hook }) {
      const parent = `/securesourcemanager/v1/projects/${slug}/locations/global/repositories/${repository}`;
      const { name, response } = (await post(`${parent}/hooks?hookId=${hookId}`, hook)) as {
        readonly name: string;
        readonly response: { readonly uid: string };
      };
      return { id: response.uid, operation: name };
    },
    createSecret: async (webhook) => ((await post(`/v1/webhooks/${webhook}/secret`, {})) as { readonly secret: string }).secret,
    openPull: async ({ repository, ...pull }) => (await post(`/v1/repositories/${repository}/pulls`, pull)) as Pull,
    mergePull: async ({ repository, number, method }) =>
      (await post(`/v1/repositories/${repository}/pulls/${number}/merge`, { method })) as Pull,
  };
}
