import { randomBytes } from 'node:crypto';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DemoGit } from './git.ts';
import { createDemoGit, findGit } from './git.ts';
import type { HookReceiver, ReceivedHook } from './hook-receiver.ts';
import { startHookReceiver } from './hook-receiver.ts';
import type { Repository, RepositoryClient } from './repository-client.ts';
import { createRepositoryClient } from './repository-client.ts';
import { root } from './server.ts';
import type { Teller } from './teller.ts';
import { seconds } from './teller.ts';

/** What the git part of the tour leaves behind. */
export interface GitToured {
  readonly repository: Repository;
  /** The clone that was pushed from. */
  readonly folder: string;
  readonly receiver: HookReceiver;
  close(): Promise<void>;
}

export interface GitTourOptions {
  readonly teller: Teller;
  readonly url: string;
  readonly token: string;
  /** The organization's slug. */
  readonly slug: string;
  /** Key of the project that the repository is tied to. */
  readonly project: string;
  readonly directory: string;
  readonly now: () => number;
}

interface Begun extends GitTourOptions {
  readonly git: DemoGit;
  readonly client: RepositoryClient;
  readonly receiver: HookReceiver;
  readonly folder: string;
}

const name = 'harbour';
const branch = 'release-1.1.0';
const title = 'Harbour 1.1.0';
const webhookMsMax = 30_000;
const idCharacters = 10;
/** What lies beside the sources of a version and is none. */
const notSources: readonly string[] = ['harbour.sarif', 'scans'];

/**
 * A repository is made, pushed to with the git of this machine, and gets a pull request that is merged; each webhook that this makes is received and
 * verified. Null where there is no git that will do, which is told in a line and is no failure.
 */
export async function gitTour(options: GitTourOptions): Promise<GitToured | null> {
  const { teller, directory, token, now } = options;
  const { git: version, problem } = await findGit();
  if (version === null) {
    await teller.step('Git', async () => ({
      line: `not shown: ${problem}. With git 2.38 or newer on the PATH the demo pushes to a repository here`,
      facts: { git: null, problem },
    }));
    return null;
  }
  const receiver = await startHookReceiver({ key: randomBytes(12).toString('hex'), now });
  try {
    const folder = join(directory, 'clone');
    const begun = { ...options, git: createDemoGit({ version, token }), client: createRepositoryClient(options), receiver, folder };
    const repository = await makeRepository(begun);
    await makeHook(begun);
    await firstPush(begun, repository);
    await branchPush(begun);
    await pullRequest(begun);
    return { repository, folder, receiver, close: () => receiver.close() };
  } catch (error) {
    await receiver.close();
    throw error;
  }
}

function makeRepository({ teller, client, git, project }: Begun): Promise<Repository> {
  return teller.step('Repository', async () => {
    const made = await client.createRepository({ name, description: 'The example product', project });
    const line = `${made.cloneUrl}, of the project ${project}, empty; git ${git.version} is the client`;
    return { ...made, line, facts: { repository: made.name, cloneUrl: made.cloneUrl, git: git.version } };
  });
}

function makeHook({ teller, client, receiver }: Begun) {
  return teller.step('Hook', async () => {
    const sensitiveQueryString = `key=${receiver.key}`;
    const events = ['PUSH', 'PULL_REQUEST'];
    const hook = { repository: name, hookId: 'build', targetUri: receiver.url, sensitiveQueryString, events };
    const { id, operation } = await client.createHook(hook);
    receiver.useSecret(await client.createSecret(id));
    const line = `for ${receiver.url}?{key}, made as clients of Secure Source Manager make one; signed, which theirs are not`;
    return { line, facts: { webhook: id, operation } };
  });
}

/** The sources of one version, as they are, and nothing else. */
async function putSources(folder: string, version: string): Promise<void> {
  for (const entry of await readdir(folder)) if (entry !== '.git') await rm(join(folder, entry), { recursive: true });
  const from = join(root, 'examples/harbour', version);
  for (const entry of await readdir(from)) {
    if (!notSources.includes(entry)) await cp(join(from, entry), join(folder, entry), { recursive: true });
  }
}

async function firstPush(begun: Begun, { cloneUrl }: Repository): Promise<void> {
  const { teller, git, folder, now } = begun;
  const { at } = await teller.step('Push', async () => {
    await mkdir(folder, { recursive: true });
    await git.run(folder, 'init', '--quiet', '--initial-branch=main');
    await git.run(folder, 'remote', 'add', 'origin', cloneUrl);
    await putSources(folder, '1.0.0');
    await git.run(folder, 'add', '--all');
    await git.run(folder, 'commit', '--quiet', '--message=Harbour 1.0.0');
    await git.run(folder, 'tag', 'v1.0.0');
    const files = (await git.run(folder, 'ls-files')).split('\n').length;
    const at = now();
    await git.run(folder, 'push', '--quiet', 'origin', 'main', 'v1.0.0');
    return { at, line: `git push origin main v1.0.0: the sources of 1.0.0, ${files} files in one commit`, facts: { files } };
  });
  await arrivedPush(begun, 'refs/heads/main', at);
  await arrivedPush(begun, 'refs/tags/v1.0.0', at);
}

async function branchPush(begun: Begun): Promise<void> {
  const { teller, git, folder, now } = begun;
  const { at } = await teller.step('Push', async () => {
    await git.run(folder, 'switch', '--quiet', '--create', branch);
    await putSources(folder, '1.1.0');
    await git.run(folder, 'add', '--all');
    await git.run(folder, 'commit', '--quiet', '--message=Harbour 1.1.0');
    const changed = await git.run(folder, 'diff', '--shortstat', 'main');
    const at = now();
    await git.run(folder, 'push', '--quiet', 'origin', branch);
    return { at, line: `git push origin ${branch}: ${changed}`, facts: { branch } };
  });
  await arrivedPush(begun, `refs/heads/${branch}`, at);
}

async function pullRequest(begun: Begun): Promise<void> {
  const { teller, client, git, folder, now } = begun;
  const { pull, at } = await teller.step('Pull request', async () => {
    const at = now();
    const opened = await client.openPull({
      repository: name,
      title,
      body: 'What the scanners found in 1.0.0.',
      head: branch,
      base: 'main',
    });
    const { commits, changedFiles, mergeable } = opened;
    const brings = `${commits} ${commits === 1 ? 'commit' : 'commits'}, ${changedFiles} files`;
    const line = `#${opened.number} ${opened.title}: ${branch} into main, ${brings}; ${mergeable === true ? 'can be merged' : 'not looked at yet'}`;
    return { pull: opened, at, line, facts: { number: opened.number, state: opened.state } };
  });
  await arrivedPull(begun, { action: 'opened', isMerged: false, at });
  const { merged } = await teller.step('Merged', async () => {
    const merged = now();
    const { mergeCommit } = await client.mergePull({ repository: name, number: pull.number, method: 'merge' });
    await git.run(folder, 'switch', '--quiet', 'main');
    await git.run(folder, 'pull', '--quiet', '--ff-only', 'origin', 'main');
    const [tip = '', parents = ''] = (await git.run(folder, 'log', '-1', '--format=%H%n%P')).split('\n');
    if (tip !== mergeCommit || parents.split(' ').length !== 2) throw new Error(`main ends with ${tip}, and not with the merge`);
    const line = `#${pull.number} by a merge commit; git pull brings main to ${tip.slice(0, idCharacters)}`;
    return { merged, line, facts: { number: pull.number, commit: tip } };
  });
  await arrivedPush(begun, 'refs/heads/main', merged, ({ body }) => (body.commits ?? []).length > 1);
  await arrivedPull(begun, { action: 'closed', isMerged: true, at: merged });
}

async function arrivedPush(begun: Begun, ref: string, at: number, more: (hook: ReceivedHook) => boolean = () => true): Promise<void> {
  await arrived(begun, at, {
    wanted: (hook) => hook.event === 'push' && hook.body.ref === ref && more(hook),
    said: ({ commits = [] }) => `${ref}, ${commits.length} ${commits.length === 1 ? 'commit' : 'commits'}`,
  });
}

async function arrivedPull(
  begun: Begun,
  { action, isMerged, at }: { readonly action: string; readonly isMerged: boolean; readonly at: number },
): Promise<void> {
  await arrived(begun, at, {
    wanted: ({ event, body }) => event === 'pull_request' && body.action === action && body.pull_request?.merged === isMerged,
    said: ({ number }) => `#${number} ${action}${isMerged ? ', merged' : ''}`,
  });
}

interface Wanted {
  readonly wanted: (received: ReceivedHook) => boolean;
  readonly said: (body: ReceivedHook['body']) => string;
}

async function arrived({ teller, receiver }: Begun, since: number, { wanted, said }: Wanted): Promise<void> {
  await teller.step('Webhook arrived', async () => {
    const { event, delivery, body, at } = await receiver.waitFor(wanted, webhookMsMax);
    const line = `${event} of ${said(body)}; key and signature verified, ${seconds(at - since)} after that began`;
    return { line, facts: { event, delivery, verified: true, said: said(body) } };
  });
}
