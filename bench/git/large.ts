import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bar, median, megabyte } from '../load/figures.ts';
import type { Row } from './row.ts';
import { startNginx } from './nginx.ts';
import type { OurPlace, Place } from './place.ts';
import { createRepository, remoteOf, startOurs } from './place.ts';

const ratioMin = 0.8;
const memoryMegabytesMax = 60;
const filesOfCommit = 20;

/** Clone and push of a large repository by git's own client, beside `git http-backend` behind nginx, turn and turn about. */
export const large: Row = {
  name: 'large',
  async run({ directory, size }) {
    const work = join(directory, 'work');
    await fill(work, size.megabytes);
    const ours = await startOurs('ours', directory);
    const nginx = await startNginx(directory);
    if (nginx === null) return ['large       nginx or fcgiwrap is not installed: nothing to compare with'];
    try {
      const seconds: Record<'push' | 'clone', Record<'ours' | 'nginx', number[]>> = {
        push: { ours: [], nginx: [] },
        clone: { ours: [], nginx: [] },
      };
      const idle = await ours.process.idle();
      const peaks: Record<'push' | 'clone', number> = { push: 0, clone: 0 };
      for (let pair = 0; pair < size.pairs; pair += 1) {
        const name = `large${pair}`;
        await createRepository(ours, name);
        nginx.createRepository(name);
        for (const kind of ['push', 'clone'] as const) {
          await ours.process.idle();
          for (const [of, place] of order({ ours, nginx }, pair)) seconds[kind][of].push(await timed(kind, work, remoteOf(place, name)));
          peaks[kind] = Math.max(peaks[kind], await ours.process.peak());
        }
      }
      return (['push', 'clone'] as const).flatMap((kind) => {
        const { ours: own, nginx: other } = seconds[kind];
        const ratio = median(own.map((value, pair) => (other[pair] ?? Number.NaN) / value));
        const above = (peaks[kind] - idle) / megabyte;
        const speed = (values: readonly number[]): string =>
          `${(size.megabytes / median(values)).toFixed(0)} MB/s (${median(values).toFixed(2)} s)`;
        return [
          bar(
            ratio >= ratioMin,
            `${kind.padEnd(11)} ${size.megabytes} MB: ours ${speed(own)}, git http-backend behind nginx ${speed(other)}; ratio ${ratio.toFixed(2)}, at least ${ratioMin}`,
          ),
          bar(
            above <= memoryMegabytesMax,
            `            memory ${above.toFixed(0)} MB above idle (${(idle / megabyte).toFixed(0)} MB), at most ${memoryMegabytesMax}`,
          ),
        ];
      });
    } finally {
      await Promise.all([ours.stop(), nginx.stop()]);
    }
  },
};

type Both = Readonly<Record<'ours' | 'nginx', Place>>;

function order(places: { readonly ours: OurPlace; readonly nginx: Place }, pair: number): readonly (readonly [keyof Both, Place])[] {
  const both = [
    ['ours', places.ours],
    ['nginx', places.nginx],
  ] as const;
  return pair % 2 === 0 ? both : both.toReversed();
}

async function timed(kind: 'push' | 'clone', work: string, remote: string): Promise<number> {
  const to = `${work}-clone`;
  const began = performance.now();
  if (kind === 'push') await client(work, ['push', '--quiet', remote, 'main']);
  else await client(join(work, '..'), ['clone', '--quiet', '--bare', remote, to]);
  const seconds = (performance.now() - began) / 1000;
  rmSync(to, { recursive: true, force: true });
  return seconds;
}

/** Files of a megabyte that nothing makes smaller, in one pack, so that the client has little to do itself. */
async function fill(work: string, megabytes: number): Promise<void> {
  mkdirSync(work);
  await client(work, ['init', '--quiet', '--initial-branch=main']);
  for (let file = 0; file < megabytes; file += 1) {
    writeFileSync(join(work, `file-${file}`), randomBytes(megabyte));
    if (file % filesOfCommit < filesOfCommit - 1 && file < megabytes - 1) continue;
    await client(work, ['add', '.']);
    await client(work, ['commit', '--quiet', '--message', `Up to ${file}`]);
  }
  await client(work, ['repack', '-adq']);
}

async function client(directory: string, args: readonly string[]): Promise<void> {
  const settings = ['core.compression=0', 'pack.window=0', 'user.name=Ada', 'user.email=ada@example.org', 'gc.auto=0'];
  const env = { PATH: process.env['PATH'], HOME: directory, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
  const child = spawn('git', [...settings.flatMap((one) => ['-c', one]), ...args], {
    cwd: directory,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`git ${args[0] ?? ''} failed.`);
}
