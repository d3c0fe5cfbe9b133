// A real SonarQube Community server of a version, from Maven Central, in a directory of its own, for the length of a run.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const scannerVersion = '8.0.1.6346';
const upWithinMs = 10 * 60_000;
const stopWithinMs = 60_000;
/** Elasticsearch inside refuses root, so there everything runs as nobody. */
const nobody = 65_534;

export interface RealServer {
  readonly version: string;
  readonly url: string;
  /** Of an administrator. */
  readonly token: string;
  readonly java: string;
  readonly scanner: string;
  readonly directory: string;
  stop(): Promise<void>;
}

/** What the server is told beside where it listens; the rest stays as it is delivered. */
const settings = {
  'sonar.telemetry.enable': 'false',
  'sonar.updatecenter.activate': 'false',
  'sonar.es.bootstrap.checks.disable': 'true',
  'sonar.search.javaAdditionalOpts': '-Dnode.store.allow_mmap=false',
  // Its webhooks go to receivers beside it.
  'sonar.validateWebhooks': 'false',
} as const;

/** Fetches (once), unpacks and starts it; answers when it takes requests and has given us a token. */
export async function startRealServer(options: { readonly version: string; readonly directory: string }): Promise<RealServer> {
  const { version, directory } = options;
  mkdirSync(directory, { recursive: true });
  const home = unpacked({
    artifact: `org.sonarsource.sonarqube:sonar-application:${version}:zip`,
    directory,
    name: `sonarqube-${version}`,
  });
  const scannerHome = unpacked({
    artifact: `org.sonarsource.scanner.cli:sonar-scanner-cli:${scannerVersion}:zip`,
    directory,
    name: `sonar-scanner-${scannerVersion}`,
  });
  const java = javaFor(version);
  const [web, search, es, database] = await freePorts(4);
  const url = `http://127.0.0.1:${web}`;
  writeSettings(home, {
    ...settings,
    'sonar.web.host': '127.0.0.1',
    'sonar.web.port': String(web),
    'sonar.search.port': String(search),
    'sonar.es.port': String(es),
    'sonar.embeddedDatabase.port': String(database),
    'sonar.core.serverBaseURL': 'https://sonar.example.test',
  });
  const stop = startProcess({ home, java, version, directory });
  try {
    await untilUp(url);
    const token = await firstToken(url);
    return { version, url, token, java, scanner: join(scannerHome, 'lib', `sonar-scanner-cli-${scannerVersion}.jar`), directory, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function unpacked({ artifact, directory, name }: { readonly artifact: string; readonly directory: string; readonly name: string }): string {
  const home = join(directory, name);
  if (existsSync(home)) return home;
  run('mvn', ['-B', '-q', '-Dstyle.color=never', 'dependency:get', '-Dtransitive=false', `-Dartifact=${artifact}`]);
  const [group = '', id = '', version = ''] = artifact.split(':');
  const zip = join(homedir(), '.m2', 'repository', ...group.split('.'), id, version, `${id}-${version}.zip`);
  run('unzip', ['-q', '-o', zip, '-d', directory]);
  return home;
}

function run(program: string, parameters: readonly string[]): void {
  const { status, error } = spawnSync(program, parameters, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) {
    throw new Error(`${program} did not succeed. Maven, unzip, Java and a way to Maven Central are needed. ${error?.message ?? ''}`);
  }
}

/** 26 wants 21 or later, whole: what is inside it is started with modules that a runtime alone lacks. */
function javaFor(version: string): string {
  const wanted = Number(version.split('.')[0]) >= 26 ? ['*-21-*', '*-25-*'] : ['*17*'];
  const found = wanted.flatMap((each) => globSync(`/usr/lib/jvm/${each}/bin/java`));
  const java = found[0] ?? (process.env.JAVA_HOME === undefined ? undefined : join(process.env.JAVA_HOME, 'bin', 'java'));
  if (java === undefined) throw new Error(`SonarQube ${version} needs another Java: ${wanted.join(' or ')} below /usr/lib/jvm.`);
  return java;
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function writeSettings(home: string, values: Readonly<Record<string, string>>): void {
  const text = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(home, 'conf', 'sonar.properties'), text.join(''));
  for (const name of ['data', 'temp']) {
    rmSync(join(home, name), { recursive: true, force: true });
    mkdirSync(join(home, name), { recursive: true });
  }
}

function startProcess(options: {
  readonly home: string;
  readonly java: string;
  readonly version: string;
  readonly directory: string;
}): () => Promise<void> {
  const { home, java, version, directory } = options;
  const isRoot = process.getuid?.() === 0;
  if (isRoot) run('chown', ['-R', `${nobody}:${nobody}`, home]);
  const log = openSync(join(directory, `server-${version}.log`), 'w');
  const child = spawn(java, ['-Xms8m', '-Xmx128m', '-jar', `lib/sonar-application-${version}.jar`], {
    cwd: home,
    // A group of its own: the server starts three more processes, and all of them end with it.
    detached: true,
    stdio: ['ignore', log, log],
    env: { PATH: process.env.PATH, HOME: home, SONAR_JAVA_PATH: java, LC_ALL: 'C.UTF-8' },
    ...(isRoot ? { uid: nobody, gid: nobody } : {}),
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return async () => {
    const { pid } = child;
    if (pid === undefined) return;
    signalGroup(pid, 'SIGTERM');
    await Promise.race([gone, wait(stopWithinMs, undefined, { ref: false })]);
    signalGroup(pid, 'SIGKILL');
  };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in it.
  }
}

async function untilUp(url: string): Promise<void> {
  const end = Date.now() + upWithinMs;
  for (;;) {
    const status = await fetch(`${url}/api/system/status`)
      .then((answer) => answer.text())
      .catch(() => '');
    if (status.includes('"UP"')) return;
    if (Date.now() > end) throw new Error(`SonarQube did not come up within ${upWithinMs / 60_000} minutes: ${status}`);
    await wait(2_000);
  }
}

async function firstToken(url: string): Promise<string> {
  const password = 'Compared-With-1!';
  const as = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;
  await fetch(`${url}/api/users/change_password`, {
    method: 'POST',
    headers: { authorization: as('admin:admin') },
    body: new URLSearchParams({ login: 'admin', previousPassword: 'admin', password }),
  });
  const answer = await fetch(`${url}/api/user_tokens/generate`, {
    method: 'POST',
    headers: { authorization: as(`admin:${password}`) },
    body: new URLSearchParams({ name: `compared-${Date.now()}` }),
  });
  const { token } = (await answer.json()) as { token?: string };
  if (token === undefined) throw new Error(`No token was given: ${answer.status}`);
  return token;
}

/** The end of the server's own log, for whoever asks why it did not come up. */
export function logTail(server: Pick<RealServer, 'directory' | 'version'>, lines = 20): string {
  return readFileSync(join(server.directory, `server-${server.version}.log`), 'utf8')
    .split('\n')
    .slice(-lines)
    .join('\n');
}
