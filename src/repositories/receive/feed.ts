import type { GitProcess } from '../git/git.ts';
import type { PushBody } from './push-body.ts';

export interface FeedOptions {
  readonly body: PushBody;
  readonly process: GitProcess;
  /** What git is told before: commands, without what is not for it. */
  readonly head: Buffer;
  /** False where no pack follows for git: it would not read one. */
  readonly hasPack: boolean;
  /** Resolves once git reads nothing more: what still comes is read and thrown away. */
  readonly enough: Promise<unknown>;
  /** Called with all that came so far; what it throws ends the push. */
  readonly check: (received: number) => void;
}

/** Gives git the push as it arrives, as fast as git takes it. Answers once the client has sent all of it; fails as the body and the check do. */
export async function feed({ body, process, head, hasPack, enough, check }: FeedOptions): Promise<void> {
  const { stdin } = process;
  let isEnough = !hasPack;
  // Not a race against `enough`: what is waited for so often would all be held until that has come.
  let wake: () => void = () => undefined;
  enough.then(
    () => {
      isEnough = true;
      wake();
    },
    () => undefined,
  );
  stdin.write(head);
  if (!hasPack) stdin.end();
  for (let piece = await body.next(); piece !== null; piece = await body.next()) {
    check(body.received());
    if (isEnough || stdin.destroyed || stdin.write(piece)) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
      stdin.once('drain', resolve).once('close', resolve);
    });
    stdin.removeListener('close', wake).removeListener('drain', wake);
  }
  stdin.end();
}
