import type { FactsSource } from '../facts/facts.ts';
import type { Pull } from './pull.ts';
import { headRefOf } from './pull.ts';

/** Pull requests that one question of git names. */
const askedAtOnce = 200;
/** Commits looked through for the one that brought a head. */
const searchedMax = 20_000;

export interface MovedBase {
  readonly before: string;
  readonly after: string;
}

/** Those whose head is in the base now and was not before: somebody merged them by hand. Their refs/pull/<number>/head say where their heads are. */
export async function broughtBy(
  source: FactsSource & { readonly pulls: readonly Pull[]; readonly base: MovedBase },
): Promise<readonly Pull[]> {
  const { git, repository, pulls, base } = source;
  const found = new Set<string>();
  for (let from = 0; from < pulls.length; from += askedAtOnce) {
    const refs = pulls.slice(from, from + askedAtOnce).map(headRefOf);
    const args = ['for-each-ref', `--merged=${base.after}`, `--no-merged=${base.before}`, '--format=%(refname)', ...refs];
    const { stdout } = await git.run({ repository, args });
    for (const ref of stdout.toString('latin1').split('\n')) found.add(ref);
  }
  return pulls.filter((pull) => found.has(headRefOf(pull)));
}

/** The commit of the base's own line that brought the head: the head itself where the base was moved on to it, else the merge; the base's tip where neither is found. */
export async function bringerOf({
  git,
  repository,
  head,
  base,
}: FactsSource & { readonly head: string; readonly base: MovedBase }): Promise<string> {
  const list = async (...args: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await git.run({ repository, args: ['rev-list', `--max-count=${searchedMax}`, ...args, '--'] });
    return stdout.toString('latin1').split('\n').filter(Boolean);
  };
  const line = await list('--first-parent', base.after, `^${base.before}`);
  if (line.includes(head)) return head;
  const behind = new Set(await list('--ancestry-path', base.after, `^${head}`));
  return line.findLast((id) => behind.has(id)) ?? base.after;
}
