import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { Git } from '../../src/repositories/git/git.ts';
import { createGit } from '../../src/repositories/git/create.ts';

interface Context {
  after(step: () => Promise<void>): void;
}

/** A bare repository of our own, with git as the server runs it, and a plain git beside it that writes what the test wants. */
export interface Bare {
  readonly git: Git;
  /** How many processes `git` has started. */
  processes(): number;
  readonly repository: string;
  readonly directory: string;
  /** The system's git in this repository; answers what it writes, without the line's end. */
  sh(args: readonly string[], input?: Buffer | string, environment?: Readonly<Record<string, string>>): Promise<string>;
  /** Stores an object from its bytes, odd ones too. */
  object(type: 'commit' | 'tree' | 'blob' | 'tag', body: Buffer | string): Promise<string>;
  /** Puts every object into a pack, those of no ref too. */
  pack(): Promise<void>;
}

const repository = '01890000-0000-7000-8000-000000000001';

export async function bare(context: Context): Promise<Bare> {
  const data = await mkdtemp(join(tmpdir(), 'gatepost-facts-'));
  const own = await createGit({ data });
  context.after(async () => {
    await own.stop();
    await rm(data, { recursive: true, force: true });
  });
  let started = 0;
  // After packing, the directory goes by another name: nothing that was read by the old one is known by it.
  let name: string | null = null;
  let packs = 0;
  const git: Git = {
    ...own,
    directory: (id) => name ?? own.directory(id),
    start: (options) => {
      started += 1;
      return own.start(options);
    },
    run: (options) => {
      started += 1;
      return own.run(options);
    },
  };
  await git.create({ repository, defaultBranch: 'main' });
  const directory = git.directory(repository);
  const sh: Bare['sh'] = async (args, input = '', environment = {}) => (await plainGit({ directory, args, input, environment })).trimEnd();
  return {
    git,
    repository,
    directory,
    processes: () => started,
    sh,
    object: (type, body) => writeObject(directory, type, Buffer.from(body)),
    async pack() {
      const ids = await looseIds(directory);
      if (ids.length === 0) return;
      await sh(['pack-objects', '-q', join(directory, 'objects/pack/pack')], ids.join('\n'));
      for (const id of ids) await rm(join(directory, 'objects', id.slice(0, 2), id.slice(2)));
      name = join(data, `packed-${(packs += 1)}`);
      await symlink(directory, name);
    },
  };
}

async function looseIds(directory: string): Promise<readonly string[]> {
  const folders = (await readdir(join(directory, 'objects'))).filter((name) => /^[0-9a-f]{2}$/.test(name));
  const files = await Promise.all(
    folders.map(async (name) => (await readdir(join(directory, 'objects', name))).map((rest) => name + rest)),
  );
  return files.flat();
}

async function writeObject(directory: string, type: string, body: Buffer): Promise<string> {
  const whole = Buffer.concat([Buffer.from(`${type} ${body.length}\0`), body]);
  const id = createHash('sha1').update(whole).digest('hex');
  const place = join(directory, 'objects', id.slice(0, 2));
  await mkdir(place, { recursive: true });
  await writeFile(join(place, id.slice(2)), deflateSync(whole), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return id;
}

function plainGit(options: {
  readonly directory: string;
  readonly args: readonly string[];
  readonly input: Buffer | string;
  readonly environment: Readonly<Record<string, string>>;
}): Promise<string> {
  const { directory, args, input, environment } = options;
  const person = {
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
  const env = { PATH: process.env['PATH'] ?? '', HOME: directory, GIT_CONFIG_NOSYSTEM: '1', GIT_DIR: directory, ...person, ...environment };
  return new Promise((resolve, reject) => {
    const child = execFile('git', args, { cwd: directory, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`git ${args.join(' ')}: ${stderr}`, { cause: error }));
    });
    // One that reads nothing may have ended by now.
    child.stdin?.on('error', () => undefined).end(input);
  });
}

export interface TreeEntry {
  readonly mode: '100644' | '100755' | '120000' | '160000';
  readonly id: string;
}

/** Writes the trees of these files (paths as bytes, one character each) and answers the topmost. */
export async function writeTree(repo: Pick<Bare, 'object'>, files: ReadonlyMap<string, TreeEntry>): Promise<string> {
  const below = new Map<string, Map<string, TreeEntry>>();
  const entries: { readonly name: string; readonly mode: string; readonly id: string }[] = [];
  for (const [path, entry] of files) {
    const slash = path.indexOf('/');
    if (slash === -1) entries.push({ name: path, ...entry });
    else {
      const name = path.slice(0, slash);
      below.set(name, (below.get(name) ?? new Map<string, TreeEntry>()).set(path.slice(slash + 1), entry));
    }
  }
  for (const [name, inner] of below) entries.push({ name, mode: '40000', id: await writeTree(repo, inner) });
  const key = ({ name, mode }: { readonly name: string; readonly mode: string }): string => (mode === '40000' ? `${name}/` : name);
  entries.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const parts = entries.flatMap(({ name, mode, id }) => [Buffer.from(`${mode} ${name}\0`, 'latin1'), Buffer.from(id, 'hex')]);
  return repo.object('tree', Buffer.concat(parts));
}

/** What a test pushes: commits made one minute after the other, by Ada in a zone of hers. */
export interface Author {
  commit(files: Readonly<Record<string, string>>, parents?: readonly string[], message?: string): Promise<string>;
  commitTree(tree: string, parents?: readonly string[], message?: string): Promise<string>;
  tag(object: string, type: 'commit' | 'tag' | 'tree' | 'blob', name?: string): Promise<string>;
  branch(name: string, id: string): Promise<string>;
}

export function author(repo: Bare): Author {
  let seconds = 1_720_000_000;
  const commitTree: Author['commitTree'] = (tree, parents = [], message = 'A change\n') => {
    seconds += 60;
    const person = `Ada <ada@example.com> ${seconds} +0200`;
    const heads = parents.map((id) => `parent ${id}\n`).join('');
    return repo.object('commit', `tree ${tree}\n${heads}author ${person}\ncommitter ${person}\n\n${message}`);
  };
  return {
    commitTree,
    async commit(files, parents, message) {
      const entries = new Map<string, TreeEntry>();
      for (const [path, text] of Object.entries(files)) entries.set(path, { mode: '100644', id: await repo.object('blob', text) });
      return commitTree(await writeTree(repo, entries), parents, message);
    },
    tag: (object, type, name = 'v1') =>
      repo.object('tag', `object ${object}\ntype ${type}\ntag ${name}\ntagger Ada <ada@example.com> ${seconds} +0200\n\nA release\n`),
    branch: (name, id) => repo.sh(['update-ref', `refs/heads/${name}`, id]),
  };
}
