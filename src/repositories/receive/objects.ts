import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inflateSync, constants } from 'node:zlib';
import type { Git } from '../git/git.ts';

export interface IncomingOptions {
  readonly git: Git;
  /** Repository id. */
  readonly repository: string;
  /** Where git keeps what was pushed until it is taken in. */
  readonly incoming: string;
  readonly bytesMax: number;
}

/** The first object found that is larger than that, unpacked, or null. It is looked for in what was pushed alone. */
export async function findTooLarge(options: IncomingOptions): Promise<string | null> {
  const { git, repository, incoming } = options;
  // git's own hook names it; that it lies in the repository is seen to nevertheless.
  if (!incoming.startsWith(join(git.directory(repository), '/'))) return null;
  for (const name of await readdir(incoming)) {
    const place = join(incoming, name);
    const found = name === 'pack' ? await findInPacks(options, place) : /^[0-9a-f]{2}$/.test(name) ? await findLoose(options, place) : null;
    if (found !== null) return found;
  }
  return null;
}

/** A loose object begins with its type and size, which are packed: before them may lie a table of codes, which takes up to 300 bytes. */
const looseHeadBytes = 1_024;

async function findLoose({ bytesMax }: IncomingOptions, place: string): Promise<string | null> {
  for (const name of await readdir(place)) {
    const head = await firstBytes(join(place, name), looseHeadBytes);
    const text = inflateSync(head, { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1');
    const size = Number(/^\w+ (\d+)\0/.exec(text)?.[1]);
    if (!(size <= bytesMax)) return `${place.slice(-2)}${name}`;
  }
  return null;
}

async function firstBytes(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function findInPacks(options: IncomingOptions, place: string): Promise<string | null> {
  for (const name of await readdir(place)) {
    const found = name.endsWith('.idx') ? await findInPack(options, join(place, name)) : null;
    if (found !== null) return found;
  }
  return null;
}

/** A pack's index (version 2): a head, how many objects begin with each byte or less, then their ids. */
const idsFrom = 8 + 256 * 4;
const idBytes = 20;
const idsAtOnce = 4_096;

/** git says the sizes: of what is stored as a difference, that is not in the pack. */
async function findInPack({ git, repository, incoming, bytesMax }: IncomingOptions, index: string): Promise<string | null> {
  const environment = { GIT_OBJECT_DIRECTORY: incoming, GIT_ALTERNATE_OBJECT_DIRECTORIES: join(git.directory(repository), 'objects') };
  const args = ['cat-file', '--batch-check=%(objectsize) %(objectname)', '--buffer'];
  const process = await git.start({ repository, args, environment });
  const asked = askSizes(process.stdin, index);
  asked.catch(() => process.end());
  let found: string | null = null;
  let rest = '';
  for await (const chunk of process.stdout as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    found ??= lines.find((line) => !(Number.parseInt(line, 10) <= bytesMax))?.split(' ')[1] ?? null;
  }
  await asked;
  await process.ended;
  return found;
}

async function askSizes(stdin: NodeJS.WritableStream, index: string): Promise<void> {
  const file = await open(index);
  try {
    const count = (await file.read(Buffer.alloc(4), 0, 4, idsFrom - 4)).buffer.readUInt32BE();
    const ids = Buffer.alloc(idsAtOnce * idBytes);
    for (let from = 0; from < count; from += idsAtOnce) {
      const bytes = Math.min(idsAtOnce, count - from) * idBytes;
      await file.read(ids, 0, bytes, idsFrom + from * idBytes);
      const lines = ids.toString('hex', 0, bytes).replaceAll(/.{40}/g, '$&\n');
      await new Promise<void>((resolve, reject) => {
        stdin.write(lines, (error) => (error === null || error === undefined ? resolve() : reject(error)));
      });
    }
  } finally {
    await file.close();
    stdin.end();
  }
}
