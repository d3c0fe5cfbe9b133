import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { median, megabyte } from '../load/figures.ts';
import { createLaunchedSpawner } from '../../src/repositories/git/launch.ts';
import type { Spawner } from '../../src/repositories/git/spawn.ts';
import { createOwnSpawner } from '../../src/repositories/git/spawn.ts';
import type { Row } from './row.ts';

const heldMegabytes = 300;
const times = 60;

/** What it costs the loop of a process of some 350 MB to start git: itself, and by the small process beside it. Told, not held. */
export const start: Row = {
  name: 'start',
  async run({ directory }) {
    const held = Array.from({ length: heldMegabytes }, () => Buffer.alloc(megabyte, 1));
    const place = join(directory, 'start');
    mkdirSync(place);
    const own = await cost(createOwnSpawner());
    const launched = await cost(createLaunchedSpawner(place));
    const memory = process.memoryUsage.rss() / megabyte;
    held.length = 0;
    return [
      `start       git from a process of ${memory.toFixed(0)} MB: its loop is held up ${own.toFixed(1)} ms, with the small process beside it ${launched.toFixed(1)} ms`,
    ];
  },
};

async function cost(spawner: Spawner): Promise<number> {
  const environment = { PATH: process.env['PATH'] ?? '' };
  const once = async (): Promise<void> => {
    const child = await spawner.spawn({ program: 'git', args: ['--version'], directory: '/', environment });
    child.stdin.end();
    child.stdout.resume();
    await child.ended;
  };
  await once();
  const busy: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const before = performance.eventLoopUtilization();
    await once();
    busy.push(performance.eventLoopUtilization(before).active);
  }
  spawner.stop();
  return median(busy);
}
