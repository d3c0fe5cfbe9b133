import { closeSync, openSync, readSync, writeSync } from 'node:fs';

// These block: they run in a child process that has nothing else to do, where this is the quickest way and needs the least memory.

const readBytes = 256 * 1024;
const bufferedCharacters = 64 * 1024;

/** The lines of a UTF-8 file, without their ends, one at a time; a line is held in memory whole, the file never. */
export function* readLines(path: string): Generator<string, void, void> {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(readBytes);
    let carried: Buffer[] = [];
    for (let bytes = readSync(file, chunk); bytes > 0; bytes = readSync(file, chunk)) {
      let start = 0;
      for (let end = chunk.indexOf(10, start); end >= 0 && end < bytes; end = chunk.indexOf(10, start)) {
        yield lineOf(carried, chunk.subarray(start, end));
        carried = [];
        start = end + 1;
        if (start >= bytes) break;
      }
      if (start < bytes) carried.push(Buffer.from(chunk.subarray(start, bytes)));
    }
    if (carried.length > 0) yield lineOf(carried, Buffer.alloc(0));
  } finally {
    closeSync(file);
  }
}

function lineOf(carried: readonly Buffer[], last: Buffer): string {
  return carried.length === 0 ? last.toString('utf8') : Buffer.concat([...carried, last]).toString('utf8');
}

export interface TextFile {
  write(text: string): void;
  /** Writes what is buffered and closes. */
  close(): void;
}

/** A UTF-8 file written in large pieces. */
export function createTextFile(path: string): TextFile {
  const file = openSync(path, 'w');
  let pieces: string[] = [];
  let characters = 0;
  const flush = (): void => {
    const bytes = Buffer.from(pieces.join(''), 'utf8');
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    pieces = [];
    characters = 0;
  };
  return {
    write(text) {
      pieces.push(text);
      characters += text.length;
      if (characters >= bufferedCharacters) flush();
    },
    close() {
      try {
        flush();
      } finally {
        closeSync(file);
      }
    },
  };
}

/** Appends a whole file to one that is being written. */
export function appendFile(to: TextFile, path: string): void {
  const file = openSync(path, 'r');
  try {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    const chunk = Buffer.allocUnsafe(readBytes);
    for (let bytes = readSync(file, chunk); bytes > 0; bytes = readSync(file, chunk)) {
      to.write(decoder.decode(chunk.subarray(0, bytes), { stream: true }));
    }
    to.write(decoder.decode());
  } finally {
    closeSync(file);
  }
}
