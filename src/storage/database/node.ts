import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The name that a data directory gives its server; made on the first start. Called with the directory held, so by one process at a time. */
export function readOrMakeNode(directory: string): string {
  const path = join(directory, 'node');
  try {
    const known = readFileSync(path, 'utf8').trim();
    if (known !== '') return known;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const node = randomUUID();
  writeFileSync(path, `${node}\n`);
  return node;
}
