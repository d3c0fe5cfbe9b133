import { GatepostError } from '../../errors.ts';

/** What the demo asks of a real SonarQube before Gatepost does: whether it is there, knows the token, and which projects to show. */
export interface Reached {
  readonly version: string;
  /** Keys of the projects that were analysed last, at most `projectsMax`. */
  readonly projects: readonly string[];
  /** How many the token sees. */
  readonly total: number;
}

export const projectsMax = 3;
/** So many of the listed ones are asked when they were analysed. */
const lookedAtMax = 30;
const callMsMax = 15_000;

/** Fails with what is wrong: nobody there, something else there, a token that is refused. */
export async function reachSonarqube({ url, token }: { readonly url: string; readonly token: string }): Promise<Reached> {
  const base = url.replace(/\/+$/, '');
  // Every version takes a token as the user of a Basic login; servers before 10 take it in no other way.
  const headers = { authorization: `Basic ${Buffer.from(`${token}:`).toString('base64')}` };
  const ask = async (path: string): Promise<unknown> => {
    const got = async () => {
      const answer = await fetch(`${base}/${path}`, { headers, signal: AbortSignal.timeout(callMsMax) });
      return { answer, text: await answer.text() };
    };
    const { answer, text } = await got().catch((error: unknown) => {
      throw failed('sonarqube_unreachable', `Nothing can be had from ${url}: ${reasonOf(error)}.`);
    });
    if (answer.status === 401) throw failed('sonarqube_token_refused', `The SonarQube at ${url} refuses the token.`);
    if (answer.status === 403) throw failed('sonarqube_forbidden', `The token may not ask ${path.replace(/\?.*/, '')} at ${url}.`);
    try {
      if (answer.ok) return JSON.parse(text) as unknown;
    } catch {
      // A page of a proxy, for instance.
    }
    throw failed('not_sonarqube', `What answers at ${url} is no SonarQube: ${answer.status} for ${path.replace(/\?.*/, '')}.`);
  };
  const { valid } = (await ask('api/authentication/validate')) as { readonly valid?: boolean };
  if (valid !== true) throw failed('sonarqube_token_refused', `The SonarQube at ${url} refuses the token.`);
  const { version, status } = (await ask('api/system/status')) as { readonly version?: string; readonly status?: string };
  if (status !== 'UP') throw failed('sonarqube_not_up', `The SonarQube at ${url} is not up: ${status ?? 'no status'}.`);
  const listed = (await ask('api/components/search?qualifiers=TRK&ps=500')) as Listed;
  const keys = listed.components.map(({ key }) => key);
  // A source takes projects by how their keys begin: one that others begin with would bring those too.
  const alone = keys.filter((key) => !keys.some((other) => other !== key && other.startsWith(key)));
  const analysed: { readonly key: string; readonly date: string }[] = [];
  for (const key of alone.slice(0, lookedAtMax)) {
    const found = (await ask(`api/project_analyses/search?project=${encodeURIComponent(key)}&ps=1`)) as Analyses;
    const [newest] = found.analyses;
    if (newest !== undefined) analysed.push({ key, date: newest.date });
  }
  const newest = analysed.toSorted((a, b) => (a.date < b.date ? 1 : -1)).slice(0, projectsMax);
  return { version: version ?? '', projects: newest.map(({ key }) => key), total: listed.paging.total };
}

function failed(code: string, message: string): GatepostError {
  return new GatepostError('unavailable', code, message);
}

interface Listed {
  readonly paging: { readonly total: number };
  readonly components: readonly { readonly key: string }[];
}

interface Analyses {
  readonly analyses: readonly { readonly date: string }[];
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer in ${callMsMax / 1000} s`;
  const cause = error.cause as { readonly code?: string; readonly message?: string } | undefined;
  return cause?.code ?? cause?.message ?? error.message;
}
