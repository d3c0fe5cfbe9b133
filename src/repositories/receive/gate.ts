import type { Duplex } from 'node:stream';

/** git before refs move (git/hooks.ts): all that was pushed is there and in order, and it waits for leave. */
export interface Gate {
  /** Where the new objects lie until then, `''` where there are none. Null: git ended without asking, so that nothing has moved. */
  readonly reached: Promise<string | null>;
  /** Lets git move the refs. From here on nothing stops it. */
  open(): void;
  /** Has git refuse the push. */
  refuse(): void;
}

/** What the hook says is one path. */
const lineBytesMax = 8_192;

export function createGate(control: Duplex | null): Gate {
  const reached = Promise.withResolvers<string | null>();
  let said = '';
  let isAnswered = false;
  const answer = (word: string): void => {
    if (isAnswered) return;
    isAnswered = true;
    control?.write(`${word}\n`);
  };
  control?.on('data', (chunk: Buffer) => {
    if (said.length <= lineBytesMax) said += chunk.toString('utf8');
    const end = said.indexOf('\n');
    if (end >= 0) reached.resolve(said.slice(0, end));
  });
  for (const name of ['end', 'close', 'error'] as const) control?.once(name, () => reached.resolve(null));
  if (control === null) reached.resolve(null);
  return { reached: reached.promise, open: () => answer('go'), refuse: () => answer('no') };
}
