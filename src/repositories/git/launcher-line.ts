/** What stands at the beginning of each line to a process: the number of its request and its descriptor, as text of this length. */
export const lineHeadBytes = 24;

export function lineHead(id: number, descriptor: number): string {
  return `${id} ${descriptor}`.padEnd(lineHeadBytes);
}
