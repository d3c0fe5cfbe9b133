import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '../../configuration.ts';
import { createGit } from '../../repositories/git/create.ts';
import type { Git } from '../../repositories/git/git.ts';
import { placeProblem } from '../../repositories/git/place.ts';
import type { Reader } from '../../storage/database/database.ts';
import type { RepositoryRow } from '../stored-repositories.ts';
import { namedRepositories, nodeOf, repositoriesFolder } from '../stored-repositories.ts';
import type { Check } from './check.ts';
import { countText, countedMax, failed, itemsShownMax, messageOf, ok, warning } from './check.ts';

/** A check of one repository may take so long. */
const fsckMsMax = 30 * 60_000;

export interface RepositoriesOptions {
  readonly read: Reader;
  readonly configuration: Configuration;
  readonly isServing: boolean;
  /** Also have git check every object of every repository. */
  readonly deep: boolean;
}

/** git is there and new enough; every repository of this node has its directory, and nothing waits that a running server would have done. */
export async function checkRepositories(options: RepositoriesOptions): Promise<readonly Check[]> {
  const { read, configuration, deep } = options;
  const { data } = configuration;
  if (!existsSync(data)) return [];
  const git = await createGit({
    data,
    program: configuration.gitProgram,
    serving: configuration.gitAtOnce,
    memoryBytesMax: configuration.gitMemory,
  });
  try {
    const rows = await namedRepositories(read);
    const node = await nodeOf(data);
    const here = rows.filter((row) => row.node === node);
    const checks = [checkGit(git, here.length), await checkThere({ data, here, all: rows.length }), await checkIntents(options, node)];
    return deep && git.problem === null ? [...checks, await checkSound(git, here)] : checks;
  } finally {
    await git.stop();
  }
}

function checkGit({ version, problem }: Git, repositories: number): Check {
  if (problem === null) return ok('git', `version ${version ?? ''}`);
  const remedy = 'Install it (apt-get install git), or name the program by GATEPOST_GIT; then start the server anew.';
  return repositories === 0
    ? warning('git', problem, `${remedy} Without it there are no repositories; all else works.`)
    : failed('git', problem, remedy);
}

async function checkThere(options: {
  readonly data: string;
  readonly here: readonly RepositoryRow[];
  readonly all: number;
}): Promise<Check> {
  const { data, here, all } = options;
  const root = join(data, repositoriesFolder);
  const missing: string[] = [];
  const damaged: string[] = [];
  for (const { id, slug, name } of here) {
    const problem = await placeProblem(join(root, `${id}.git`));
    if (problem?.code === 'repository_missing') missing.push(`${slug}/${name}`);
    else if (problem !== null) damaged.push(`${slug}/${name} (${id}.git): ${problem.says}`);
  }
  const elsewhere = all - here.length;
  if (missing.length > 0) {
    const says = `${missing.length} of ${here.length} have no directory below ${root}: ${missing.slice(0, itemsShownMax).join(', ')}`;
    return failed('repositories', says, 'Is its disk mounted? Otherwise restore them from a backup.');
  }
  if (damaged.length > 0) {
    const says = `${damaged.length} of ${here.length} cannot be used: ${damaged.slice(0, itemsShownMax).join('; ')}`;
    return failed(
      'repositories',
      says,
      'Nobody can fetch from them or push to them. Put the directory itself there, or restore them from a backup.',
    );
  }
  const known = new Set(here.map(({ id }) => `${id}.git`));
  const others = (await readdir(root).catch(() => [])).filter((name) => !known.has(name));
  const says = `${countText(here.length)} here, all there${elsewhere === 0 ? '' : `; ${countText(elsewhere)} on other nodes`}`;
  if (here.length === 0 && elsewhere > 0 && others.length > 0) {
    return warning(
      'repositories',
      `${countText(others.length)} directories below ${root}, and all ${countText(elsewhere)} repositories are on other nodes by the database`,
      `This data directory has another name (${join(data, 'node')}) than the one its repositories know. Put the backup's back.`,
    );
  }
  return ok('repositories', says);
}

/** What was about to be done to refs, and is not recorded: a running server settles it within seconds. */
async function checkIntents({ read, isServing }: RepositoriesOptions, node: string | null): Promise<Check> {
  const rows = await read
    .selectFrom('ref_intents')
    .select('id')
    .where('node', '=', node ?? '')
    .limit(countedMax)
    .execute();
  const waiting = await read.selectFrom('repositories').select('id').where('deleted', 'is not', null).limit(countedMax).execute();
  if (isServing || rows.length + waiting.length === 0) {
    return ok('pushes', rows.length === 0 ? 'all are recorded' : `${countText(rows.length)} under way`);
  }
  const says = `${countText(rows.length)} are to be recorded, ${countText(waiting.length)} deleted repositories to be taken away`;
  return warning('pushes', says, 'No server answers: start it, and it goes on with them.');
}

async function checkSound(git: Git, here: readonly RepositoryRow[]): Promise<Check> {
  const bad: string[] = [];
  for (const { id, slug, name } of here) {
    // What cannot be used is told of already.
    if ((await placeProblem(git.directory(id))) !== null) continue;
    try {
      const { status, stderr } = await git.run({
        repository: id,
        args: ['fsck', '--full', '--no-dangling', '--no-progress'],
        okStatus: Array.from({ length: 256 }, (_, code) => code),
        bytesMax: 2 ** 26,
        timeoutMs: fsckMsMax,
        isChore: true,
      });
      if (status !== 0) bad.push(`${slug}/${name} (${id}.git): ${stderr.split('\n')[0] ?? ''}`);
    } catch (error) {
      bad.push(`${slug}/${name} (${id}.git): ${messageOf(error)}`);
    }
  }
  if (bad.length === 0) return ok('objects of repositories', `${countText(here.length)} repositories are sound`);
  const remedy = 'Restore these from a backup, or push them again from a clone that is whole.';
  return failed('objects of repositories', bad.slice(0, itemsShownMax).join('; '), remedy);
}
