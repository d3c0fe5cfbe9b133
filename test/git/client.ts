import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { PushFacts } from '../../src/events/git-facts.ts';
import { clientRuns } from '../git-host.ts';
import type { PushHost } from '../push-host.ts';
import { startPushHost } from '../push-host.ts';

/** A person at work with Debian's git, and the events of what they push. */
export interface Client {
  readonly host: PushHost;
  readonly work: string;
  git(...args: readonly string[]): Promise<string>;
  /** Writes these files (null: takes one away) and commits all there is. */
  commit(files: Readonly<Record<string, string | Buffer | null>>, ...more: readonly string[]): Promise<string>;
  push(...args: readonly string[]): Promise<void>;
  /** The events since this was asked last. */
  news(): Promise<readonly PushFacts[]>;
}

export async function startClient(t: TestContext): Promise<Client> {
  const host = await startPushHost(t);
  const work = join(host.directory, 'work');
  await mkdir(work);
  const git: Client['git'] = (...args) => clientRuns(work, ...args);
  await git('init', '-q');
  await git('remote', 'add', 'origin', host.remote('write'));
  let seen = 0;
  return {
    host,
    work,
    git,
    async commit(files, ...more) {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(join(work, name, '..'), { recursive: true });
        if (text === null) await rm(join(work, name));
        else await writeFile(join(work, name), text);
      }
      await git('add', '-A');
      await git('commit', '-q', ...(more.length === 0 ? ['-m', 'A change'] : more));
      return git('rev-parse', 'HEAD');
    },
    push: async (...args) => void (await git('push', '-q', ...args)),
    async news() {
      const all = await host.pushes();
      const fresh = all.slice(seen);
      seen = all.length;
      return fresh;
    },
  };
}
