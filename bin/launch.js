// Starts a program of Gatepost under a Node that is new enough, with its packages in place. Plain JavaScript without dependencies:
// it must run on any Node from 20 on, before anything is installed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installPackages } from './packages.js';
import { isNewEnough, privateNode } from './runtime.js';

/** The clone, or the folder of the installed package. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const isClone = existsSync(join(root, 'src', 'cli', 'main.ts'));

/**
 * Runs the program to its end. Where this Node will do it runs right here; else in a second process that has this one's input and output,
 * gets its signals, and whose exit code becomes this one's.
 * @param {string} program
 * @param {readonly string[]} rest
 */
export async function launch(program, rest) {
  try {
    const here = isNewEnough(process.versions.node);
    const node = here ? process.execPath : await privateNode({ root, isClone });
    if (isClone) {
      await installPackages({ root, node });
      keepCompiled(here);
    }
    if (here) {
      process.argv = [process.execPath, program, ...rest];
      // What it starts by the name of `node` is then this one, not whatever comes first on PATH.
      process.env.PATH = pathWith(node);
      await import(pathToFileURL(program).href);
    } else {
      await runUnder(node, program, rest);
    }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'LaunchError') throw error;
    process.stderr.write(`gatepost: ${error.message}\n`);
    process.exit(1);
  }
}

/**
 * What was stripped of its types and compiled once is kept, for this process and for those that it starts: each begins sooner, and needs no
 * compiler in its memory. Where the folder cannot be written nothing is kept.
 * @param {boolean} here
 */
function keepCompiled(here) {
  process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'gatepost');
  if (here) module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
}

/** @param {string} node */
function pathWith(node) {
  return [dirname(node), process.env.PATH ?? ''].join(delimiter);
}

/**
 * @param {string} node
 * @param {string} program
 * @param {readonly string[]} rest
 * @returns {Promise<never>}
 */
function runUnder(node, program, rest) {
  const leash = pathToFileURL(fileURLToPath(new URL('leash.js', import.meta.url))).href;
  const child = spawn(node, ['--import', leash, program, ...rest], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, PATH: pathWith(node) },
  });
  forwardSignals(child);
  return new Promise((_resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}

/** @param {import('node:child_process').ChildProcess} child */
function forwardSignals(child) {
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP', 'SIGUSR2'])) {
    process.on(signal, () => child.kill(signal));
  }
  // Ctrl-C at a terminal reaches the whole foreground group: passed on as well, the program would see it twice and take it for "now!".
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
}
