// A process that puts for ever and says so: the test kills it in the middle.
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../src/clock.ts';
import { createArtifactDirectory } from '../../src/storage/artifacts/directory.ts';

const [, , root = '', organization = ''] = process.argv;
const store = createArtifactDirectory({ root, clock: systemClock });

async function* endless(): AsyncGenerator<Uint8Array> {
  for (let piece = 0; ; piece += 1) {
    yield randomBytes(256 * 1024);
    if (piece === 8) process.stdout.write('under way\n');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

await store.put(organization, endless(), { level: 0, bytesMax: 1_000_000_000 });
