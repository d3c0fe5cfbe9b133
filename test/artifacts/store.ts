import { open, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/clock.ts';
import { createArtifactDirectory } from '../../src/storage/artifacts/directory.ts';
import type { ArtifactStore } from '../../src/storage/artifacts/store.ts';

// Helpers of the artefact store's own tests, and of those that need a store to fill.

export const organization = '0190f3a1-0000-4000-8000-00000000000a';

export interface TurnableClock extends Clock {
  advance(ms: number): void;
}

export function turnableClock(start = Date.now()): TurnableClock {
  let now = start;
  return {
    now: () => now,
    advance(ms) {
      now += ms;
    },
  };
}

export interface TemporaryStore {
  readonly root: string;
  readonly store: ArtifactStore;
  readonly clock: TurnableClock;
  /** Turns one byte of the payload over. */
  damage(organization: string, sha256: string): Promise<void>;
}

/** A store in a new directory that goes with the test. */
export async function temporaryStore(t: { after(step: () => Promise<void>): void }): Promise<TemporaryStore> {
  const root = await mkdtemp(join(tmpdir(), 'gatepost-artifacts-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const clock = turnableClock();
  return {
    root,
    clock,
    store: createArtifactDirectory({ root: join(root, 'store'), clock }),
    async damage(owner, sha256) {
      const file = await open(join(root, 'store', owner, sha256), 'r+');
      const { size } = await file.stat();
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, size - 1);
      byte[0] = (byte[0] ?? 0) ^ 0xff;
      await file.write(byte, 0, 1, size - 1);
      await file.close();
    },
  };
}

export async function* bytesOf(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

export async function collectBytes(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<string> {
  return (await collectBytes(source)).toString();
}
