import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../src/clock.ts';
import type { Caller } from '../src/http/caller.ts';
import { createHttpServer, stopHttpServer } from '../src/http/server.ts';
import { createIdentifiers } from '../src/identifiers.ts';
import { createOrganization } from '../src/organizations/store.ts';
import { openBody } from '../src/repositories/fetch/body.ts';
import type { AnswerGit } from '../src/repositories/fetch/exchange.ts';
import { gitHeaders } from '../src/repositories/fetch/exchange.ts';
import { gitRoutes } from '../src/repositories/fetch/routes.ts';
import type { FetchOptions } from '../src/repositories/fetch/upload-pack.ts';
import type { GitOptions } from '../src/repositories/git/create.ts';
import { createGit } from '../src/repositories/git/create.ts';
import type { Git } from '../src/repositories/git/git.ts';
import type { Repository } from '../src/repositories/repository.ts';
import { insertRepository } from '../src/repositories/store.ts';
import type { Database } from '../src/storage/database/database.ts';
import { openDatabase } from '../src/storage/database/open.ts';

/** A server that speaks git and nothing else, with one organization (`acme`) and one repository (`tool`). Pushes go to git as they come. */
export interface GitHost {
  readonly url: string;
  readonly git: Git;
  readonly database: Database;
  readonly repository: Repository;
  /** A place for the clients' work. */
  readonly directory: string;
  /** As the server got them from callers: `write`, `read`, `third` (like `read`), `report` (no right to repositories), `bound` (to a project), `other` (organization). */
  remote(token: string, name?: string): string;
}

export async function startGitHost(
  t: { after(step: () => Promise<void>): void },
  options: Omit<FetchOptions, 'git'> & { readonly gitOptions?: Partial<GitOptions> } = {},
): Promise<GitHost> {
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-git-'));
  const ids = createIdentifiers();
  const database = await openDatabase({ directory }, 'server');
  const git = await createGit({ data: directory, ...options.gitOptions });
  const made = async (name: string): Promise<string> =>
    (await database.write((tx) => createOrganization({ tx, name, actor: 'cli', ids, clock: systemClock }))).organization.id;
  const [acme, other] = [await made('acme'), await made('other')];
  const repository = await insertRepository({ database, git, organization: acme, name: 'tool', actor: 'cli', ids, clock: systemClock });
  const as = (scopes: Caller['scopes'], more: Partial<Caller> = {}): Caller => ({
    organization: acme,
    slug: 'acme',
    token: 't',
    scopes,
    project: null,
    ...more,
  });
  const callers: Readonly<Record<string, Caller>> = {
    write: as(['repository:write']),
    read: as(['repository:read']),
    third: as(['repository:read']),
    report: as(['read', 'ingest']),
    bound: as(['repository:write'], { project: 'p' }),
    other: as(['admin'], { organization: other, slug: 'other' }),
  };
  const findCaller = async (token: string): Promise<Caller | null> => {
    const caller = callers[token];
    return caller === undefined ? null : { ...caller, token };
  };
  const server = await createHttpServer({ log: pino({ level: 'silent' }), ids, version: '0.0.0', findCaller });
  await gitRoutes(server, { ...options, git, database, findCaller, receive: receiveAsItComes(git) });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  t.after(async () => {
    await stopHttpServer(server, 100);
    await git.stop();
    await database.close();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    url,
    git,
    database,
    repository,
    directory,
    remote: (token, name = 'tool.git') => `${url.replace('://', `://someone:${token}@`)}/git/acme/${name}`,
  };
}

/** A push, handed to git as it is: nothing is recorded of it. */
export function receiveAsItComes(git: Git): AnswerGit {
  return async ({ request, reply, repository, gone }) => {
    const place = git.directory(repository.id);
    // The hook asks for leave by a line that nobody answers here.
    const settings = { 'core.hooksPath': '/dev/null' };
    const args = ['receive-pack', '--stateless-rpc', place];
    const process = await git.start({ repository: repository.id, args, settings, lane: 'serve', signal: gone });
    openBody(request).pipe(process.stdin);
    return gitHeaders(reply, 'application/x-git-receive-pack-result').send(process.stdout);
  };
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a client's git with nothing of this machine's or user's configuration. */
export function clientGit(directory: string, args: readonly string[], input: Buffer | string = ''): Promise<Ran> {
  const person = {
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.org',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.org',
  };
  const env = { PATH: process.env['PATH'], HOME: directory, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C', ...person };
  const child = spawn('git', ['-c', 'init.defaultBranch=main', '-c', 'protocol.file.allow=always', ...args], { cwd: directory, env });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => undefined).end(input);
  return new Promise((resolve) => {
    child.once('close', (status) =>
      resolve({ status, stdout: Buffer.concat(stdout).toString().trim(), stderr: Buffer.concat(stderr).toString().trim() }),
    );
  });
}

/** The same, and fails where git does. */
export async function clientRuns(directory: string, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await clientGit(directory, args);
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout;
}
