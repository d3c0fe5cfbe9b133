import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { RealServer } from './server.ts';

export interface Scan {
  readonly project: string;
  readonly name: string;
  readonly version: string;
  readonly root: string;
  readonly properties?: Readonly<Record<string, string>>;
}

const endedWithinMs = 5 * 60_000;

/** Scans a folder with the real scanner; answers the background task's id once the task has ended, however it did. */
export async function scan(server: RealServer, { project, name, version, root, properties = {} }: Scan): Promise<string> {
  const work = mkdtempSync(join(server.directory, 'scan-'));
  const old = server.version.startsWith('9.');
  const values = {
    'sonar.host.url': server.url,
    [old ? 'sonar.login' : 'sonar.token']: server.token,
    'sonar.projectKey': project,
    'sonar.projectName': name,
    'sonar.projectVersion': version,
    'sonar.projectBaseDir': root,
    'sonar.sources': 'src',
    'sonar.java.binaries': 'classes',
    'sonar.working.directory': work,
    'sonar.scanner.skipJreProvisioning': 'true',
    ...properties,
  };
  const parameters = Object.entries(values).map(([key, value]) => `-D${key}=${value}`);
  await run(server, ['-Xmx1g', '-cp', server.scanner, ...parameters, 'org.sonarsource.scanner.cli.Main'], root);
  const task = /^ceTaskId=(.*)$/m.exec(readFileSync(join(work, 'report-task.txt'), 'utf8'))?.[1] ?? '';
  await taskEnded(server, task);
  return task;
}

function run({ java, directory }: RealServer, parameters: readonly string[], cwd: string): Promise<void> {
  const output: Buffer[] = [];
  const child = spawn(java, parameters, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      JAVA_HOME: join(java, '..', '..'),
      SONAR_USER_HOME: join(directory, 'scanner-home'),
      LC_ALL: 'C.UTF-8',
    },
  });
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`The scanner ended with ${code}:\n${Buffer.concat(output).toString('utf8').slice(-3_000)}`));
    });
  });
}

async function taskEnded({ url, token }: RealServer, task: string): Promise<void> {
  const headers = { authorization: `Basic ${Buffer.from(`${token}:`).toString('base64')}` };
  const end = Date.now() + endedWithinMs;
  while (Date.now() < end) {
    const answer = await fetch(`${url}/api/ce/task?id=${encodeURIComponent(task)}`, { headers });
    const { task: state } = (await answer.json()) as { task?: { status?: string } };
    if (['SUCCESS', 'FAILED', 'CANCELED'].includes(state?.status ?? '')) return;
    await wait(1_000);
  }
  throw new Error(`The task ${task} did not end.`);
}

const flippedWithinMs = 20_000;

/** Accepts the project's open issues and reviews its hotspots one after the other until its gate is another; answers how many edits that took, or 0 where it did not change. */
export async function flipGate(server: RealServer, project: string): Promise<number> {
  const gate = async (): Promise<string> => {
    const { projectStatus } = (await api(server, 'GET', 'api/qualitygates/project_status', { projectKey: project })) as {
      projectStatus: { status: string };
    };
    return projectStatus.status;
  };
  const before = await gate();
  const old = server.version.startsWith('9.');
  const { issues } = (await api(server, 'GET', 'api/issues/search', { componentKeys: project, resolved: 'false', ps: '500' })) as {
    issues: readonly { readonly key: string }[];
  };
  const { hotspots } = (await api(server, 'GET', 'api/hotspots/search', { projectKey: project, status: 'TO_REVIEW', ps: '500' })) as {
    hotspots: readonly { readonly key: string }[];
  };
  const edits = [
    ...issues.map(({ key }) => ['api/issues/do_transition', { issue: key, transition: old ? 'wontfix' : 'accept' }] as const),
    ...hotspots.map(({ key }) => ['api/hotspots/change_status', { hotspot: key, status: 'REVIEWED', resolution: 'SAFE' }] as const),
  ];
  let count = 0;
  for (const [path, form] of edits) {
    await api(server, 'POST', path, form);
    count += 1;
    if ((await gate()) !== before) return count;
  }
  await wait(Math.min(flippedWithinMs, 2_000));
  return (await gate()) === before ? 0 : count;
}

/** Asks the real server; fails where it does not answer with success. */
export async function api(
  { url, token }: Pick<RealServer, 'url' | 'token'>,
  method: 'GET' | 'POST',
  path: string,
  parameters: Readonly<Record<string, string>>,
): Promise<unknown> {
  const query = new URLSearchParams(parameters);
  const answer = await fetch(`${url}/${path}${method === 'GET' ? `?${query.toString()}` : ''}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(`${token}:`).toString('base64')}` },
    ...(method === 'POST' ? { body: query } : {}),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text.slice(0, 300)}`);
  return text === '' ? null : (JSON.parse(text) as unknown);
}
