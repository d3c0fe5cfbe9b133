import { GatepostError } from '../../errors.ts';
import type { GitProcess, GitResult, GitRun } from './git.ts';

/** What one command may answer with, unless told otherwise. */
export const outputBytesMax = 64 * 2 ** 20;
/** How long it may take, unless told otherwise. */
export const runMsMax = 60_000;

/** Gives the process its input, waits for its end and answers its output. */
export async function collect(process: GitProcess, asked: GitRun): Promise<GitResult> {
  const { bytesMax = outputBytesMax, timeoutMs = runMsMax, okStatus = [0] } = asked;
  const name = asked.args.find((arg) => !arg.startsWith('-')) ?? '';
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    process.end();
  }, timeoutMs);
  const chunks: Buffer[] = [];
  let bytes = 0;
  process.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else process.end();
  });
  process.stdin.end(asked.input ?? '');
  const { status, signal, stderr } = await process.ended;
  clearTimeout(timer);
  if (bytes > bytesMax)
    throw new GatepostError('internal', 'git_output_too_large', `git ${name} answered with more than ${bytesMax} bytes.`);
  if (late) throw new GatepostError('unavailable', 'git_timeout', `git ${name} did not end within ${timeoutMs / 1000} seconds.`);
  if (status === null || !okStatus.includes(status)) {
    const cause = new Error(`status ${status ?? signal ?? 'unknown'}: ${stderr.trim()}`);
    throw new GatepostError('internal', 'git_failed', `git ${name} failed.`, { cause });
  }
  return { status, stdout: Buffer.concat(chunks), stderr };
}
