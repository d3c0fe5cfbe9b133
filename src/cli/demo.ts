import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { GatepostError } from '../errors.ts';
import { usageError } from './command.ts';
import type { Call, Command, Outcome } from './command.ts';
import type { DemoServer } from './demo/server.ts';
import type { Teller } from './demo/teller.ts';
import { hookText } from './demo/hook-text.ts';
import type { RealSonarqube } from './demo/sonarqube-tour.ts';
import type { Toured } from './demo/tour.ts';

const serverMsMax = 60_000;
const portDefault = 8480;
const clone = fileURLToPath(new URL('../../', import.meta.url));

/** The main job, shown on real scans with a server, a database and a receiver that all live on this machine. */
export const command: Command = {
  name: 'demo',
  summary:
    'Shows the main job: real scans become reports, signed webhooks and a ZIP; a push and a pull request become webhooks. Everything stays on this machine.',
  options: {
    once: { type: 'boolean', help: 'end after the last step instead of leaving the server open' },
    sonarqube: { type: 'string', value: 'URL', help: 'show your own SonarQube instead of a stand-in; nothing is changed over there' },
    token: { type: 'string', help: 'its token, of a user who may browse the projects (default: SONAR_TOKEN of the environment)' },
  },
  notes: () => 'Data, log, archive and unpacked reports are left in data/demo; the next demo begins with an empty one.',
  run,
};

async function run(call: Call): Promise<Outcome> {
  if (!existsSync(join(clone, 'examples/harbour'))) {
    const message =
      'The demo needs a clone of Gatepost: the package holds neither the example scans nor the library that verifies the webhook.';
    throw new GatepostError('unavailable', 'clone_needed', message);
  }
  const sonarqube = sonarqubeOf(call);
  const [{ takePlace }, { createTeller }, { startServer }, { tour }] = await Promise.all([
    import('./demo/place.ts'),
    import('./demo/teller.ts'),
    import('./demo/server.ts'),
    import('./demo/tour.ts'),
  ]);
  const json = call.flag('json');
  const once = call.flag('once');
  const now = () => performance.now();
  const output = process.stdout;
  const teller = createTeller({ output: json ? null : output, colour: output.isTTY && output.hasColors(), now });
  const place = takePlace(join(clone, 'data'));
  const began = now();
  let server: DemoServer | null = null;
  let toured: Toured | null = null;
  const signals = onSignals(() => server);
  try {
    teller.heading('Gatepost: real scans, a SonarQube and a git repository become reports, webhooks and a ZIP');
    server = await teller.step('Server', async () => {
      const port = once || (await isTaken(portDefault)) ? 0 : portDefault;
      const started = await startServer({ directory: place.directory, port, timeoutMs: serverMsMax });
      return { ...started, line: `${started.url}, SQLite in ${relative(clone, place.directory)}`, facts: { url: started.url } };
    });
    toured = await tour({ teller, server, directory: place.directory, sonarqube, now });
    const outcome = { json: asJson(server, toured, teller), text: closing({ server, toured, once, tookMs: now() - began }) };
    if (!once) {
      call.show(outcome);
      await leaveOpen({ server, toured, teller, signals });
    }
    return outcome;
  } catch (error) {
    throw signals.asked() ? new GatepostError('unavailable', 'interrupted', 'The demo was stopped.') : error;
  } finally {
    await server?.stop();
    await toured?.close();
    signals.stop();
    place.release();
  }
}

/** Fails with `usage` where one of the two is there without the other. */
function sonarqubeOf(call: Call): RealSonarqube | null {
  const url = call.text('sonarqube');
  if (url === undefined) {
    if (call.text('token') !== undefined) throw usageError('--token goes with --sonarqube URL.');
    return null;
  }
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw usageError(`--sonarqube needs an http or https URL, not '${url}'.`);
  const token = call.text('token') ?? call.environment['SONAR_TOKEN'] ?? '';
  if (token === '') throw usageError('--sonarqube needs --token TOKEN, or SONAR_TOKEN in the environment.');
  return { url, token };
}

interface Signals {
  /** True once someone asked for the end. */
  readonly asked: () => boolean;
  stop(): void;
}

/** Ctrl-C ends the server first; the demo then ends by itself. */
function onSignals(server: () => DemoServer | null): Signals {
  let asked = false;
  const end = () => {
    const running = server();
    if (asked || running === null) process.exit(130);
    asked = true;
    running.stop().catch(() => process.exit(130));
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, end);
  return {
    asked: () => asked,
    stop() {
      for (const name of names) process.off(name, end);
    },
  };
}

interface LeftOpen {
  readonly server: DemoServer;
  readonly toured: Toured;
  readonly teller: Teller;
  readonly signals: Signals;
}

/** Until someone asks for the end; what the receiver gets meanwhile is told. */
async function leaveOpen({ server, toured, teller, signals }: LeftOpen): Promise<void> {
  toured.git?.receiver.onFurther((hook) => teller.note('Webhook arrived', hookText(hook)));
  toured.receiver.onFurther(({ event, body }) => {
    const about = body.reports.map(
      (report) => `${report.projectName} ${report.projectVersion}, ${report.reportType} ${report.reportVersion}`,
    );
    teller.note('Webhook arrived', [`${event}, signature verified`, ...about].join('; '));
  });
  const code = await server.ended;
  if (!signals.asked() && code !== 0)
    throw new GatepostError('unavailable', 'server_ended', `The server ended with ${code}; see ${server.log}`);
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(true));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(false)));
  });
}

function asJson(server: DemoServer, { organization, token, sonarqube, git, archive, folder, files }: Toured, teller: Teller) {
  return {
    url: server.url,
    organization,
    token,
    sonarqube: {
      url: sonarqube.url,
      standIn: sonarqube.isStandIn,
      source: sonarqube.source,
      folder: sonarqube.folder,
      files: sonarqube.files.map(({ name, bytes }) => ({ name, bytes })),
    },
    repository: git === null ? null : { name: git.repository.name, cloneUrl: git.repository.cloneUrl, folder: git.folder },
    archive,
    folder,
    files: files.map(({ name, bytes }) => ({ name, bytes })),
    steps: teller.steps,
  };
}

interface Closing {
  readonly server: DemoServer;
  readonly toured: Toured;
  readonly once: boolean;
  readonly tookMs: number;
}

/** Where to look, and what to try next. */
function closing({ server, toured, once, tookMs }: Closing): string {
  const page = toured.files.find(({ name }) => name.includes('/1.1.0/') && name.endsWith('report.html')) ?? toured.files[0];
  const { sonarqube, git } = toured;
  const judged = sonarqube.files.find(({ name }) => name.endsWith('report.html'));
  const look = [
    '',
    `All of it took ${(tookMs / 1000).toFixed(1)} s. Look at it:`,
    `  the report    ${page === undefined ? toured.folder : pathToFileURL(page.path).href}`,
    `  of SonarQube  ${judged === undefined ? sonarqube.folder : pathToFileURL(judged.path).href}`,
    ...(git === null ? [] : [`  the clone     ${git.folder}`]),
    `  all files     ${toured.folder}`,
    `  the archive   ${toured.archive}`,
    `  the log       ${server.log}`,
    '',
  ];
  const own = sonarqube.isStandIn ? 'npm run demo -- --sonarqube URL --token TOKEN' : null;
  if (once)
    return [
      ...look,
      'To go on with the server, start the demo without --once: npm run demo',
      ...(own === null ? [] : [`With your own SonarQube: ${own}`]),
    ].join('\n');
  return [
    ...look,
    `The server is open at ${server.url} until you press Ctrl-C. The API is described at ${server.url}/docs`,
    'Try next:',
    `  curl "${toured.list}"`,
    `  curl -o reports.zip "${toured.archiveUrl}"`,
    `  export GATEPOST_URL=${server.url} GATEPOST_TOKEN=${toured.token}`,
    '  node bin/gatepost.js upload YOUR-SCAN.sarif --project yours --version 1.0.0 --wait',
    '  node bin/gatepost.js download --version 1.0.0 --project yours',
    ...(sonarqube.isStandIn ? [`  curl -X POST "${sonarqube.url}/demo/analyses?version=1.0.0"`] : []),
    ...(git === null ? [] : [`  git -c http.extraHeader="Authorization: Bearer $GATEPOST_TOKEN" clone ${git.repository.cloneUrl}`]),
    ...(own === null ? [] : [`  ${own}`]),
    'Webhooks for what comes in are shown below, as they arrive.',
  ].join('\n');
}
