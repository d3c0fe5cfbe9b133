import { readFile, rename, writeFile } from 'node:fs/promises';

/** Values by key in one file, for one user at a time. A file that cannot be read is an empty one: all that is kept can be asked for again. */
export interface Kept<Value> {
  get(key: string): Promise<Value | undefined>;
  /** On disk when it is done; several at once are written one after another. */
  set(entries: readonly (readonly [key: string, value: Value])[]): Promise<void>;
}

export function createKept<Value>(file: string): Kept<Value> {
  let kept: Promise<Map<string, Value>> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const load = () => {
    kept ??= readFile(file, 'utf8')
      .then((text) => new Map(JSON.parse(text) as [string, Value][]))
      .catch(() => new Map<string, Value>());
    return kept;
  };
  const write = async (all: ReadonlyMap<string, Value>) => {
    await writeFile(`${file}.new`, JSON.stringify([...all]));
    await rename(`${file}.new`, file);
  };
  return {
    async get(key) {
      return (await load()).get(key);
    },
    async set(entries) {
      const all = await load();
      for (const [key, value] of entries) all.set(key, value);
      const written = last.then(() => write(all));
      last = written.catch(() => undefined);
      await written;
    },
  };
}
