import type { CommitFacts } from '../../events/git-facts.ts';
import type { Pull } from './pull.ts';

/** Authors that a squash names beside the first. */
export const coAuthorsMax = 50;

/** What a merge commit says where nobody said otherwise. */
export function mergeMessage(pull: Pull): string {
  const from = pull.head ?? (pull.topic === null || pull.topic === '' ? `refs/for/${pull.base}` : pull.topic);
  return `Merge ${from} into ${pull.base} (#${pull.number})\n\n${pull.title}\n`;
}

/** What the one commit of a squash says: its title and body. */
export function squashMessage(pull: Pull): string {
  const body = pull.body.replaceAll('\r\n', '\n').trim();
  return `${pull.title} (#${pull.number})\n${body === '' ? '' : `\n${body}\n`}`;
}

/** Whoever wrote a part of a squash is named in it, as git's trailers do. `commits` oldest first; the first one's author is the commit's own. */
export function withCoAuthors(message: string, commits: readonly CommitFacts[]): string {
  const [first] = commits;
  const seen = new Set([first?.author.email.toLowerCase()]);
  const lines: string[] = [];
  for (const { author } of commits) {
    const key = author.email.toLowerCase();
    if (seen.has(key) || lines.length === coAuthorsMax) continue;
    seen.add(key);
    const line = `Co-authored-by: ${author.name} <${author.email}>`;
    if (!message.includes(line)) lines.push(line);
  }
  return lines.length === 0 ? message : `${message.trimEnd()}\n\n${lines.join('\n')}\n`;
}
