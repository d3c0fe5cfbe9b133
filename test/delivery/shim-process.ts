// Child of shim.test.ts: tells what its clocks say and how long an fsync takes.
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { answerQuestions } from './process.ts';

export interface Told {
  readonly wallMs: number;
  readonly steadyMs: number;
  readonly syncMs: number;
}

const [, , path = ''] = process.argv;

answerQuestions(null, {
  tell: (): Told => {
    const file = openSync(path, 'w');
    writeSync(file, 'x');
    const began = performance.now();
    fdatasyncSync(file);
    const syncMs = performance.now() - began;
    closeSync(file);
    return { wallMs: Date.now(), steadyMs: performance.now(), syncMs };
  },
});
