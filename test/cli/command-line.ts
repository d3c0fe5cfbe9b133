import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from '../../src/cli/run.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in this process, with an environment that holds nothing but what is given. */
export async function gatepost(typed: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const code = await runCommandLine({
    typed,
    directory: '/nowhere',
    environment,
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

/** The same with `--json`: exactly one document on standard output, nothing on standard error. */
export async function gatepostJson(
  typed: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly json: Record<string, unknown> }> {
  const { code, stdout, stderr } = await gatepost([...typed, '--json'], environment);
  assert.equal(stderr, '');
  return { code, json: JSON.parse(stdout) as Record<string, unknown> };
}

export async function temporaryFolder(context: { after(step: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatepost-cli-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
