import { conflict } from '../../errors.ts';
import type { PersonFacts } from '../../events/git-facts.ts';
import type { FactsSource } from '../facts/facts.ts';
import { mergeMs, mergeTree } from './assess.ts';

/** Who stands in a commit, and when. */
export interface Identity {
  readonly name: string;
  readonly email: string;
  /** As git writes it: seconds since 1970 and a zone. */
  readonly date: string;
}

/** The address of who has none: `.invalid` is never anybody's (RFC 6761). */
const noMailHost = 'noreply.invalid';

/** A token as it stands in the commits that it makes. */
export function identityOf(person: PersonFacts, nowMs: number): Identity {
  const name = person.name.replaceAll(/[<>\p{Cc}]/gu, ' ').trim();
  return {
    // git refuses a name that has nothing but signs it strips.
    name: /[^\s.,:;<>"\\']/.test(name) ? name : `token ${person.number}`,
    email: person.email === '' ? `token-${person.number}@${noMailHost}` : person.email,
    date: `${Math.floor(nowMs / 1000)} +0000`,
  };
}

export interface NewCommit extends FactsSource {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string | Buffer;
  readonly author: Identity;
  readonly committer: Identity;
}

/** Writes a commit and answers its id. No ref leads to it yet. */
export async function writeCommit({ git, repository, tree, parents, message, author, committer }: NewCommit): Promise<string> {
  const { stdout } = await git.run({
    repository,
    args: ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'],
    input: message,
    environment: {
      GIT_AUTHOR_NAME: author.name,
      GIT_AUTHOR_EMAIL: author.email,
      GIT_AUTHOR_DATE: author.date,
      GIT_COMMITTER_NAME: committer.name,
      GIT_COMMITTER_EMAIL: committer.email,
      GIT_COMMITTER_DATE: committer.date,
    },
  });
  return stdout.toString('latin1').trim();
}

/** A commit as git holds it: the lines that a new commit keeps of it are kept byte for byte. */
export interface RawCommit {
  readonly id: string;
  readonly tree: string;
  readonly parents: readonly string[];
  /** What stands behind `author `, in bytes. */
  readonly author: Buffer;
  readonly encoding: Buffer | null;
  readonly message: Buffer;
}

/** Reads whole commits, in this order, by one process. */
export async function readCommits({ git, repository, ids }: FactsSource & { readonly ids: readonly string[] }): Promise<RawCommit[]> {
  const { stdout } = await git.run({ repository, args: ['cat-file', '--batch'], input: `${ids.join('\n')}\n`, timeoutMs: mergeMs });
  const commits: RawCommit[] = [];
  let at = 0;
  while (at < stdout.length) {
    const end = stdout.indexOf(0x0a, at);
    const [id = '', type, size] = stdout.toString('latin1', at, end).split(' ');
    if (type !== 'commit') throw new Error(`${id} is no commit`);
    const body = stdout.subarray(end + 1, end + 1 + Number(size));
    commits.push(parsedCommit(id, body));
    at = end + 2 + Number(size);
  }
  return commits;
}

function parsedCommit(id: string, body: Buffer): RawCommit {
  const split = body.indexOf('\n\n');
  const head = split < 0 ? body : body.subarray(0, split);
  const lines = head.toString('latin1').split('\n');
  const valueOf = (name: string): Buffer | null => {
    const line = lines.find((line) => line.startsWith(`${name} `));
    return line === undefined ? null : Buffer.from(line.slice(name.length + 1), 'latin1');
  };
  return {
    id,
    tree: valueOf('tree')?.toString('latin1') ?? '',
    parents: lines.filter((line) => line.startsWith('parent ')).map((line) => line.slice(7)),
    author: valueOf('author') ?? Buffer.alloc(0),
    encoding: valueOf('encoding'),
    message: split < 0 ? Buffer.alloc(0) : body.subarray(split + 2),
  };
}

/**
 * Writes a commit that keeps another's author, encoding and message byte for byte, whatever their characters: an environment or an argument would
 * bend what is not UTF-8.
 */
export async function writeAnew(
  options: FactsSource & {
    readonly of: RawCommit;
    readonly tree: string;
    readonly parents: readonly string[];
    readonly committer: Identity;
  },
): Promise<string> {
  const { git, repository, of, tree, parents, committer } = options;
  const head = [`tree ${tree}`, ...parents.map((parent) => `parent ${parent}`)].join('\n');
  const input = Buffer.concat([
    Buffer.from(`${head}\nauthor `),
    of.author,
    Buffer.from(`\ncommitter ${committer.name} <${committer.email}> ${committer.date}\n`),
    ...(of.encoding === null ? [] : [Buffer.from('encoding '), of.encoding, Buffer.from('\n')]),
    Buffer.from('\n'),
    of.message,
  ]);
  const { stdout } = await git.run({ repository, args: ['hash-object', '-t', 'commit', '-w', '--literally', '--stdin'], input });
  return stdout.toString('latin1').trim();
}

/** The tree of two commits merged. Fails with `merge_conflict` and the paths. */
export async function cleanTree(
  options: FactsSource & { readonly ours: string; readonly theirs: string; readonly commit?: string },
): Promise<string> {
  const { commit, ...source } = options;
  const { tree, isClean, conflicts } = await mergeTree({ ...source, timeoutMs: mergeMs });
  if (isClean) return tree;
  throw conflict('merge_conflict', 'Both sides changed the same places: merge the base into the head, solve the conflicts, and push.', {
    paths: conflicts,
    ...(commit === undefined ? {} : { commit }),
  });
}
