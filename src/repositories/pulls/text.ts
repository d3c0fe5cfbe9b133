import { diffText, patchText } from '../facts/diff.ts';
import type { Git } from '../git/git.ts';
import type { Repository } from '../repository.ts';
import type { Pull } from './pull.ts';
import type { PullText } from './pulls.ts';
import { pullTextBytesMax } from './pulls.ts';

export interface PullTextOptions {
  readonly git: Git;
  readonly repository: Repository;
  readonly pull: Pull;
}

function range({ git, repository, pull }: PullTextOptions) {
  return { git, repository: repository.id, from: pull.mergeBase, to: pull.headSha, bytesMax: pullTextBytesMax };
}

/** What it changes against its merge base, as one diff. */
export function pullDiff(options: PullTextOptions): Promise<PullText> {
  return diffText(range(options));
}

/** Its commits as mails, oldest first. */
export function pullPatch(options: PullTextOptions): Promise<PullText> {
  return patchText(range(options));
}
