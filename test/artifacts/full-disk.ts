// Runs on a disk of 2 MB: two puts that do not fit, what they left, and two that fit.
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { systemClock } from '../../src/clock.ts';
import { GatepostError } from '../../src/errors.ts';
import { createArtifactDirectory } from '../../src/storage/artifacts/directory.ts';
import { bytesOf } from './store.ts';

const [, , root = '', organization = ''] = process.argv;
const store = createArtifactDirectory({ root, clock: systemClock });
const small = { level: 0, bytesMax: 10_000_000 };
await store.put(organization, bytesOf(randomBytes(1_000)), small);

const errors: string[] = [];
for (const level of [0, 1]) {
  try {
    await store.put(organization, bytesOf(randomBytes(4_000_000)), { ...small, level });
  } catch (error) {
    errors.push(error instanceof GatepostError ? error.code : String(error));
  }
}
const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
await store.put(organization, bytesOf(randomBytes(500_000)), small);
let objects = 0;
for await (const object of store.list()) objects += (await store.verify(object.organization, object.sha256)) === 'sound' ? 1 : 0;
process.stdout.write(JSON.stringify({ errors, left: files.length, objects }));
