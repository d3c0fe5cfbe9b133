import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A slower disk and a wrong clock for processes that are started with `environment`; both may be changed while they run. */
export interface Shim {
  readonly environment: Readonly<Record<string, string>>;
  /** Every fsync takes so much longer. */
  slowDisk(ms: number): void;
  /** The wall clock is so far off, forward or back. */
  shiftClock(ms: number): void;
  close(): void;
}

const source = fileURLToPath(new URL('shim.c', import.meta.url));

/** Compiles the library into a directory of its own. Fails where there is no C compiler, and says so. */
export function createShim(): Shim {
  const directory = mkdtempSync(join(tmpdir(), 'gatepost-shim-'));
  const library = join(directory, 'shim.so');
  const compiled = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl'], { encoding: 'utf8' });
  if (compiled.error !== undefined || compiled.status !== 0) {
    rmSync(directory, { recursive: true, force: true });
    const why = compiled.error?.message ?? compiled.stderr;
    throw new Error(`A slow disk and a wrong clock need a C compiler (apt-get install gcc libc6-dev): ${why}`);
  }
  const path = join(directory, 'settings');
  const file = openSync(path, 'w+');
  const numbers = new BigInt64Array(2);
  const put = (index: number, value: number): void => {
    numbers[index] = BigInt(Math.round(value));
    writeSync(file, new Uint8Array(numbers.buffer), 0, numbers.byteLength, 0);
  };
  put(0, 0);
  return {
    environment: { LD_PRELOAD: library, DELIVERY_SHIM: path },
    slowDisk: (ms) => put(0, ms * 1000),
    shiftClock: (ms) => put(1, ms),
    close() {
      closeSync(file);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
