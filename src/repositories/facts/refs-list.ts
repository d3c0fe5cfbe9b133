import type { FactsSource } from './facts.ts';
import { look, pieces } from './look.ts';
import { areRevisions } from './revisions.ts';

type ObjectType = 'commit' | 'tag' | 'tree' | 'blob';

export interface ListedRef {
  /** Whole: `refs/heads/main`. */
  readonly ref: string;
  /** What it points to: of an annotated tag the tag object. */
  readonly id: string;
  readonly type: ObjectType;
  /** What it comes to, one tag looked through. */
  readonly target: { readonly id: string; readonly type: ObjectType };
  /** Milliseconds since 1970: of a commit its committer's date, of an annotated tag its own; null where there is none. */
  readonly date: number | null;
  /** First line of the commit's or the tag's message. */
  readonly subject: string;
}

export interface ListRefsOptions extends FactsSource {
  /** `refs/heads/` or `refs/tags/`. */
  readonly prefix: string;
  readonly limit: number;
  /** Only those whose whole name sorts after it (by bytes). */
  readonly after?: string;
}

const fields = ['refname', 'objectname', 'objecttype', '*objectname', '*objecttype', 'creatordate:unix', 'contents:subject'];
const fieldBytesMax = 4096;

/**
 * Refs in the order of their names. git has no way to begin in the middle, so what comes before is read and passed over by name alone; then it is asked
 * for what these refs are.
 */
export async function listRefs(options: ListRefsOptions): Promise<{ readonly refs: readonly ListedRef[]; readonly hasMore: boolean }> {
  const { git, repository, prefix, limit, after = '' } = options;
  const names = await namesAfter({ git, repository }, { prefix, after, count: limit + 1 });
  const shown = names.slice(0, limit);
  if (shown.length === 0) return { refs: [], hasMore: false };
  const refs: ListedRef[] = [];
  const values: string[] = [];
  const take = (piece: Buffer): boolean => {
    values.push(piece.toString('utf8').replace(/^\n/, ''));
    if (values.length === fields.length) refs.push(refOf(values.splice(0)));
    return true;
  };
  const format = `--format=${fields.map((field) => `%(${field})%00`).join('')}`;
  await look({ git, repository, args: ['for-each-ref', format, ...shown] }, pieces({ at: 0, bytesMax: fieldBytesMax, take }));
  return { refs, hasMore: names.length > limit };
}

async function namesAfter(
  source: FactsSource,
  { prefix, after, count }: { readonly prefix: string; readonly after: string; readonly count: number },
): Promise<readonly string[]> {
  const names: string[] = [];
  const afterBytes = Buffer.from(after);
  const take = (piece: Buffer): boolean => {
    if (Buffer.compare(piece, afterBytes) > 0) names.push(piece.toString('utf8'));
    return names.length < count;
  };
  await look({ ...source, args: ['for-each-ref', '--format=%(refname)', prefix] }, pieces({ at: 0x0a, bytesMax: fieldBytesMax, take }));
  return names;
}

function refOf(values: readonly string[]): ListedRef {
  const [ref = '', id = '', type = '', targetId = '', targetType = '', date = '', subject = ''] = values;
  const own = { id, type: type as ObjectType };
  const target = targetId === '' ? own : { id: targetId, type: targetType as ObjectType };
  return { ref, ...own, target, date: date === '' ? null : Number(date) * 1000, subject };
}

/** The id a whole ref points to (no tag looked through), or null. */
export async function refTip({ git, repository, ref }: FactsSource & { readonly ref: string }): Promise<string | null> {
  if (!areRevisions([ref])) return null;
  const { status, stdout } = await git.run({ repository, args: ['show-ref', '--verify', '--hash', '--', ref], okStatus: [0, 1, 128] });
  return status === 0 ? stdout.toString('latin1', 0, 40) : null;
}
