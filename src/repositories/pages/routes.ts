import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatepostError } from '../../errors.ts';
import { zeroId } from '../../events/git-facts.ts';
import { repositoryUrls } from '../../events/git-urls.ts';
import type { FindCaller } from '../../http/authentication.ts';
import { errorReply } from '../../http/errors.ts';
import type { HttpServer } from '../../http/http-server.ts';
import { sendPage } from '../../http/pages/page.ts';
import type { Database } from '../../storage/database/database.ts';
import { listCommits } from '../facts/commits.ts';
import { diffStat, diffText, mergeBase } from '../facts/diff.ts';
import { listRefs } from '../facts/refs-list.ts';
import { basicChallenge, gitCaller, requireGitScope } from '../fetch/caller.ts';
import type { Git } from '../git/git.ts';
import { listComments } from '../pulls/comments.ts';
import { shownHead } from '../pulls/facts.ts';
import type { Pull } from '../pulls/pull.ts';
import type { Pulls, PullText } from '../pulls/pulls.ts';
import type { Repository } from '../repository.ts';
import { commitNamed, loginsFor } from '../routes-refs.ts';
import { findRenamed, findRepository, maySee, requireHere, unknownRepository } from '../store.ts';
import { diffShownBytesMax } from './parts.ts';
import type { Changes, PageScene } from './views.ts';
import { commitPage, comparePage, noticePage, pullPage, pullsPage, repositoryPage } from './views.ts';
import { voiceFor } from './words.ts';

/** Rows of each list on a page. */
export const pageRowsMax = 50;

export interface PageDeps {
  readonly database: Database;
  readonly git: Git;
  readonly pulls: Pulls;
  readonly findCaller: FindCaller;
}

const config = { scope: null } as const;
const schema = { hide: true };
/** The tree without anything in it, which git knows without having it. */
const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/**
 * Where the links of events lead: a repository's page, a commit, what came between two, pull requests and what they change as a diff or as patches.
 * A browser is asked for a token as a password; without one nothing is said, not even that there is such a repository.
 */
export async function pageRoutes(server: HttpServer, deps: PageDeps): Promise<void> {
  await server.register(async (scope) => {
    scope.setErrorHandler(sendNotice);
    const show = (path: string, make: (scene: PageScene, named: Named) => Promise<string>): void => {
      scope.get(`/git/:slug/:name${path}`, { config, schema }, async (request, reply) => {
        const scene = await sceneOf(deps, request);
        if (typeof scene === 'string') return reply.redirect(scene, 301);
        return sendPage(reply, 200, await make(scene, request.params as Named));
      });
    };
    show('', (scene) => showRepository(deps, scene));
    show('/commit/:id', (scene, named) => showCommit(deps, scene, named['id'] ?? ''));
    show('/compare/*', (scene, named) => showComparison(deps, scene, named['*'] ?? ''));
    show('/pulls', async (scene) => {
      const pulls = await deps.pulls.list({ repository: scene.repository, state: 'all', limit: pageRowsMax + 1, after: null });
      return pullsPage(scene, some(pulls));
    });
    scope.get('/git/:slug/:name/pulls/:number', { config, schema }, (request, reply) => answerPull(deps, request, reply));
  });
}

type Named = Readonly<Record<string, string>>;

function some<T>(found: readonly T[]): { readonly shown: readonly T[]; readonly hasMore: boolean } {
  return { shown: found.slice(0, pageRowsMax), hasMore: found.length > pageRowsMax };
}

/** Who asks for what; an address instead where that is elsewhere: under its new name, or without the `.git` that is for git. */
async function sceneOf({ database, findCaller }: PageDeps, request: FastifyRequest): Promise<PageScene | string> {
  const caller = requireGitScope(await gitCaller(request, findCaller), 'repository:read');
  const { slug = '', name = '' } = request.params as Named;
  const plain = name.replace(/\.git$/i, '');
  const serverUrl = request.server.publicUrl(request);
  const named = { read: database.read, organization: caller.organization, name: plain };
  const current = slug === caller.slug ? await findRepository(named) : null;
  const found: Repository | null = current ?? (slug === caller.slug ? await findRenamed(named) : null);
  if (found === null || !maySee(caller, found)) throw unknownRepository();
  const urls = repositoryUrls({ serverUrl, slug: found.slug, name: found.name });
  if (current === null || plain !== name) {
    const question = request.url.indexOf('?');
    const path = question < 0 ? request.url : request.url.slice(0, question);
    return (
      urls.html +
      path
        .split('/')
        .slice(4)
        .map((part) => `/${part}`)
        .join('')
    );
  }
  requireHere(found, database);
  return { voice: voiceFor(request.headers['accept-language']), repository: found, urls };
}

async function sendNotice(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { status, body, ours, retryAfterSeconds } = errorReply(error);
  if (ours) request.log.error({ err: error }, 'request failed');
  request.notes['code'] = body.code;
  const voice = voiceFor(request.headers['accept-language']);
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  if (status === 401) return sendPage(reply.header('www-authenticate', basicChallenge), status, noticePage(voice, 'signIn'));
  if (status === 403) return sendPage(reply, status, noticePage(voice, 'forbidden'));
  if (body.code === 'repository_elsewhere') return sendPage(reply, status, noticePage(voice, 'elsewhere'));
  if (status >= 500) return reply.code(status).header('cache-control', 'no-store').send(body);
  return sendPage(reply, status, noticePage(voice, 'unknown'));
}

function notThere(): GatepostError {
  return new GatepostError('not_found', 'not_found', 'There is nothing at this path.');
}

async function showRepository({ database, git }: PageDeps, scene: PageScene): Promise<string> {
  const { id, organization, defaultBranch } = scene.repository;
  const source = { git, repository: id };
  const refs = async (prefix: string) => {
    const { refs: shown, hasMore } = await listRefs({ ...source, prefix, limit: pageRowsMax });
    return { shown, hasMore };
  };
  const include = [`refs/heads/${defaultBranch}`];
  const logins = loginsFor(database, organization);
  const { commits, hasMore } = await listCommits({ ...source, include, limit: pageRowsMax, withPaths: false, logins });
  return repositoryPage(scene, {
    branches: await refs('refs/heads/'),
    tags: await refs('refs/tags/'),
    commits: { shown: commits, hasMore },
  });
}

async function showCommit({ database, git }: PageDeps, scene: PageScene, id: string): Promise<string> {
  if (!/^[0-9a-f]{40}$/.test(id)) throw notThere();
  const { repository } = scene;
  const commit = await commitNamed({ database, git, repository, revision: id });
  if (commit === null) throw notThere();
  return commitPage(scene, commit, await changesOf(git, repository, commit.parents[0] ?? emptyTree, commit.id));
}

async function changesOf(git: Git, { id: repository }: Repository, from: string, to: string): Promise<Changes> {
  const between = { git, repository, from, to };
  return { stat: await diffStat(between), diff: await diffText({ ...between, bytesMax: diffShownBytesMax }) };
}

/** `a...b`: what b has since it left a; `a..b`: from a to b as they are. Zeros stand for nothing, as in the links of a new or a deleted branch. */
async function showComparison({ database, git }: PageDeps, scene: PageScene, range: string): Promise<string> {
  const { repository } = scene;
  const [, before = '', dots = '', after = ''] = /^(.{1,260}?)(\.{2,3})([^.].{0,259})$/s.exec(range) ?? [];
  const idOf = async (revision: string): Promise<string | null> => {
    if (revision === zeroId) return null;
    const found = await commitNamed({ database, git, repository, revision });
    if (found === null) throw notThere();
    return found.id;
  };
  const [from, to] = [await idOf(before), await idOf(after)];
  if (from === null && to === null) throw notThere();
  const source = { git, repository: repository.id };
  const base = from !== null && to !== null && dots === '...' ? await mergeBase({ ...source, a: from, b: to }) : null;
  const changes = await changesOf(git, repository, base ?? from ?? emptyTree, to ?? emptyTree);
  const walk = { include: to === null ? [] : [to], exclude: from === null ? [] : [from], limit: pageRowsMax, withPaths: false };
  const logins = loginsFor(database, repository.organization);
  const { commits, hasMore } = to === null ? { commits: [], hasMore: false } : await listCommits({ ...source, ...walk, logins });
  return comparePage(scene, { before, after, commits: { shown: commits, hasMore }, ...changes });
}

async function answerPull(deps: PageDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scene = await sceneOf(deps, request);
  if (typeof scene === 'string') return reply.redirect(scene, 301);
  const [, number, form] = /^([1-9]\d{0,8})(\.diff|\.patch)?$/.exec((request.params as Named)['number'] ?? '') ?? [];
  const { repository } = scene;
  const pull = number === undefined ? null : await deps.pulls.find({ repository, number: Number(number) });
  if (pull === null) throw notThere();
  if (form === '.diff') return sendText(reply, await deps.pulls.diff({ repository, pull }));
  if (form === '.patch') return sendText(reply, await deps.pulls.patch({ repository, pull }));
  return sendPage(reply, 200, await showPull(deps, scene, pull));
}

/** As plain text, whatever it holds: no browser takes it for anything else. */
function sendText(reply: FastifyReply, { text, isCut }: PullText): FastifyReply {
  if (isCut) reply.header('x-cut', 'true');
  return reply
    .type('text/plain; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; sandbox; frame-ancestors 'none'")
    .header('cache-control', 'no-store')
    .send(text);
}

async function showPull({ database, git }: PageDeps, scene: PageScene, pull: Pull): Promise<string> {
  const { id: repository, organization } = scene.repository;
  const source = { git, repository };
  const base = pull.mergeBase === '' ? emptyTree : pull.mergeBase;
  const walk = { include: [pull.headSha], exclude: [pull.baseSha, base].filter((one) => one !== emptyTree && one !== pull.headSha) };
  const logins = loginsFor(database, organization);
  const { commits, hasMore } = await listCommits({ ...source, ...walk, limit: pageRowsMax, withPaths: false, logins });
  const named = { read: database.read, organization, repository, pull: pull.id };
  const comments = await listComments({ ...named, limit: pageRowsMax + 1, after: null });
  return pullPage(scene, {
    pull,
    head: shownHead(pull),
    commits: { shown: commits, hasMore },
    comments: some(comments),
    ...(await changesOf(git, scene.repository, base, pull.headSha)),
  });
}
