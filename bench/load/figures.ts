export const megabyte = 1024 * 1024;

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** One line of a bench's answer: what is held, and whether it is. A bar that is missed makes the bench fail. */
export function bar(held: boolean, text: string): string {
  if (!held) process.exitCode = 1;
  return `${text}: ${held ? 'held' : 'NOT held'}`;
}

export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
