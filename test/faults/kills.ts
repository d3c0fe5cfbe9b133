import { setTimeout as sleep } from 'node:timers/promises';
import { createIdentifiers } from '../../src/identifiers.ts';
import { systemClock } from '../../src/clock.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import type { DatabaseLocation } from '../../src/storage/database/open.ts';
import { openDatabase } from '../../src/storage/database/open.ts';
import type { Receiver } from './receiver.ts';
import { startReceiver } from './receiver.ts';
import type { ServerProcess } from './server-process.ts';
import { startServer } from './server-process.ts';

// The server is killed while analyses come in, again and again. Then it is looked at from outside alone: every analysis that was answered
// with 202 ends done, has its two reports in the list exactly once, and each report came to the receiver.

export interface KillOptions {
  readonly location: DatabaseLocation;
  readonly kills: number;
  /** How long a server lives at most before it is killed. */
  readonly lifeMsMax: number;
  readonly say?: (line: string) => void;
}

export interface KillOutcome {
  readonly kills: number;
  /** Analyses answered with 202. */
  readonly accepted: number;
  /** Of these, not done in the end: must be none. */
  readonly notDone: readonly string[];
  /** Reports in the list, and how many there must be. */
  readonly listed: number;
  readonly expected: number;
  /** Listed more than once: must be none. */
  readonly twice: number;
  /** Listed and never received: must be none. */
  readonly notReceived: number;
  /** Deliveries that came more than once, under the same id. */
  readonly repeated: number;
  /** Bodies whose signature did not hold: must be none. */
  readonly refused: number;
}

interface Run {
  readonly options: KillOptions;
  readonly settings: Readonly<Record<string, string>>;
  readonly organization: string;
  readonly token: string;
  readonly accepted: { readonly id: string; readonly version: string }[];
}

/** A log of one finding whose place tells the versions apart. */
function sarifOf(number: number): string {
  return JSON.stringify({
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Scanner', rules: [{ id: 'xss', properties: { tags: ['external/cwe/cwe-79'] } }] } },
        results: [
          {
            ruleId: 'xss',
            level: 'error',
            message: { text: `Cross-site scripting ${number}` },
            locations: [{ physicalLocation: { artifactLocation: { uri: `src/page-${number}.js` }, region: { startLine: number + 1 } } }],
          },
        ],
      },
    ],
  });
}

const secretKey = Buffer.alloc(32, 7).toString('base64');

export async function runKills(options: KillOptions): Promise<KillOutcome> {
  const { location, kills } = options;
  const receiver = await startReceiver();
  try {
    const tenant = await makeTenant(location);
    const settings: Record<string, string> = {
      GATEPOST_DATA: location.directory,
      GATEPOST_WEBHOOKS_ALLOW: '127.0.0.1',
      GATEPOST_RETRY_INTERVAL: '1s',
      GATEPOST_SECRET_KEY: secretKey,
      ...(location.url === undefined ? {} : { DATABASE_URL: location.url }),
    };
    const run: Run = { options, settings, ...tenant, accepted: [] };
    let server = await startServer(settings, { cwd: location.directory });
    receiver.verifyWith(await makeWebhook(server, run, receiver.url));
    for (let kill = 1; kill <= kills; kill += 1) {
      await loadAndKill(server, run);
      options.say?.(`kill ${kill} of ${kills}: ${run.accepted.length} accepted so far`);
      server = await startServer(settings, { cwd: location.directory });
    }
    const outcome = await settled(server, run, receiver);
    await server.stop();
    return outcome;
  } finally {
    await receiver.close();
  }
}

async function makeTenant(location: DatabaseLocation): Promise<{ readonly organization: string; readonly token: string }> {
  const database = await openDatabase(location, 'tool');
  try {
    const clock = systemClock;
    const { organization, token } = await database.write((tx) =>
      createOrganization({ tx, name: 'Kills', actor: 'cli', ids: createIdentifiers(clock), clock }),
    );
    return { organization: organization.id, token: token.token };
  } finally {
    await database.close();
  }
}

async function makeWebhook(server: ServerProcess, { token }: Run, url: string): Promise<string> {
  const answer = await fetch(`${server.url}/v1/webhooks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'receiver', url, events: ['report.ingested', 'report.updated'] }),
  });
  if (answer.status !== 201) throw new Error(`No webhook: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { secret: string }).secret;
}

let versions = 0;

/** Two callers send analyses one after the other until the server is killed under them. */
async function loadAndKill(server: ServerProcess, run: Run): Promise<void> {
  const life = new AbortController();
  const callers = [1, 2].map(async () => {
    while (!life.signal.aborted) {
      versions += 1;
      const version = `1.${versions}`;
      try {
        const id = await send(server.url, run.token, { version, number: versions });
        run.accepted.push({ id, version });
      } catch (error) {
        if (error instanceof UnexpectedAnswer) throw error;
        // The line was cut: whether it was taken in is not known, so nothing is asked of it.
        return;
      }
      await sleep(500 + Math.random() * 1000);
    }
  });
  await sleep(50 + Math.random() * run.options.lifeMsMax);
  await server.kill();
  life.abort();
  await Promise.all(callers);
}

class UnexpectedAnswer extends Error {}

async function send(
  url: string,
  token: string,
  { version, number }: { readonly version: string; readonly number: number },
): Promise<string> {
  const answer = await fetch(`${url}/v1/projects/kills/analyses?version=${version}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/sarif+json' },
    body: sarifOf(number),
  });
  const text = await answer.text();
  if (answer.status !== 202) throw new UnexpectedAnswer(`${answer.status} ${text}`);
  return (JSON.parse(text) as { id: string }).id;
}

const settleMsMax = 600_000;

async function settled(server: ServerProcess, run: Run, receiver: Receiver): Promise<KillOutcome> {
  const until = Date.now() + settleMsMax;
  const headers = { authorization: `Bearer ${run.token}` };
  let open: readonly string[] = run.accepted.map((each) => each.id);
  const stateOf = async (id: string): Promise<string> =>
    ((await (await fetch(`${server.url}/v1/analyses/${id}`, { headers })).json()) as { status: string }).status;
  while (open.length > 0 && Date.now() < until) {
    const still: string[] = [];
    for (const id of open) if ((await stateOf(id)) !== 'done') still.push(id);
    open = still;
    if (open.length > 0) await sleep(500);
  }
  const listed = await listAll(server, run);
  const missing = (): number =>
    new Set(listed.map((report) => report.id)).size -
    [...new Set(listed.map((report) => report.id))].filter((id) => receiver.reports.has(id)).length;
  while (missing() > 0 && Date.now() < until) await sleep(200);
  const wanted = new Set(run.accepted.map((each) => each.version));
  const places = listed.map((report) => `${report.projectVersion} ${report.reportType}`);
  return {
    kills: run.options.kills,
    accepted: run.accepted.length,
    notDone: open,
    listed: listed.filter((report) => wanted.has(report.projectVersion)).length,
    expected: wanted.size * 2,
    twice: places.length - new Set(places).size,
    notReceived: missing(),
    repeated: [...receiver.deliveries.values()].filter((times) => times > 1).length,
    refused: receiver.refused,
  };
}

interface Listed {
  readonly id: string;
  readonly projectVersion: string;
  readonly reportType: string;
}

async function listAll(server: ServerProcess, { organization }: Run): Promise<readonly Listed[]> {
  const all: Listed[] = [];
  let next: string | null = `${server.url}/security/report/list?org=${organization}&minver=0&limit=1000`;
  while (next !== null) {
    const answer: Response = await fetch(next);
    if (answer.status !== 200) throw new UnexpectedAnswer(`${answer.status}`);
    all.push(...((await answer.json()) as { reports: Listed[] }).reports);
    next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1] ?? null;
  }
  return all;
}
