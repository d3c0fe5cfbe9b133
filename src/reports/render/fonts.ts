import { closeSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Language } from '../report.ts';

/** Which code points a font has a glyph for. */
export type Coverage = (codePoint: number) => boolean;

export interface FontFamily {
  /** The name the font itself bears, which the template asks for. */
  readonly name: string;
  readonly regular: string;
  readonly bold: string;
}

const resolvePackage = createRequire(import.meta.url).resolve;

function family(name: string, packageName: string, file: string): FontFamily {
  const folder = dirname(resolvePackage(`@expo-google-fonts/${packageName}/package.json`));
  return {
    name,
    regular: join(folder, '400Regular', `${file}_400Regular.ttf`),
    bold: join(folder, '700Bold', `${file}_700Bold.ttf`),
  };
}

export type FontKey = 'sans' | 'jp' | 'kr';

/** The fonts PDFs are set in, found where the package manager put them. Only the chosen ones are read. */
export const fontFamilies: Readonly<Record<FontKey, FontFamily>> = {
  sans: family('Noto Sans', 'noto-sans', 'NotoSans'),
  jp: family('Noto Sans JP', 'noto-sans-jp', 'NotoSansJP'),
  kr: family('Noto Sans KR', 'noto-sans-kr', 'NotoSansKR'),
};

/** The order decides the shape of Han characters: each font has those of one country. */
export function fontOrder(language: Language): readonly FontKey[] {
  return language === 'ko' ? ['sans', 'kr', 'jp'] : ['sans', 'jp', 'kr'];
}

export interface ChosenFonts {
  readonly keys: readonly FontKey[];
  readonly covers: Coverage;
}

/**
 * The fonts that a text needs, in the order of its language: the large CJK ones only where a character is in no font before them.
 * (They cost 50 MB of memory and 30 ms a process.) What none of them has must be escaped before it reaches Typst, which refuses it.
 */
export function chooseFonts(language: Language, codePoints: Iterable<number>): ChosenFonts {
  let missing = [...codePoints];
  const keys: FontKey[] = [];
  const coverages: Coverage[] = [];
  for (const key of fontOrder(language)) {
    const covers = coverageOf(fontFamilies[key].regular);
    const rest = missing.filter((codePoint) => !covers(codePoint));
    if (key === 'sans' || rest.length < missing.length) {
      keys.push(key);
      coverages.push(covers);
      missing = rest;
    }
    if (missing.length === 0) {
      break;
    }
  }
  return { keys, covers: (codePoint) => coverages.some((covers) => covers(codePoint)) };
}

/** Reads the character map of a TrueType file (formats 4 and 12), and nothing else of it. */
export function coverageOf(path: string): Coverage {
  const table = readTable(path, 'cmap');
  const bits = new Uint8Array(0x110000 / 8);
  const add = (codePoint: number): void => {
    bits[codePoint >> 3] = (bits[codePoint >> 3] ?? 0) | (1 << (codePoint & 7));
  };
  const count = table.readUInt16BE(2);
  for (let index = 0; index < count; index++) {
    const subtable = table.subarray(table.readUInt32BE(8 + index * 8));
    const format = subtable.readUInt16BE(0);
    if (format === 4) {
      addSegments(subtable, add);
    } else if (format === 12) {
      addGroups(subtable, add);
    }
  }
  return (codePoint) => ((bits[codePoint >> 3] ?? 0) & (1 << (codePoint & 7))) !== 0;
}

function readTable(path: string, tag: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const read = (position: number, length: number): Buffer => {
      const buffer = Buffer.alloc(length);
      if (readSync(file, buffer, 0, length, position) !== length) {
        throw new Error(`font cut short: ${tag}`);
      }
      return buffer;
    };
    const directory = read(12, read(0, 12).readUInt16BE(4) * 16);
    for (let at = 0; at < directory.length; at += 16) {
      if (directory.toString('latin1', at, at + 4) === tag) {
        return read(directory.readUInt32BE(at + 8), directory.readUInt32BE(at + 12));
      }
    }
    throw new Error(`font without ${tag}`);
  } finally {
    closeSync(file);
  }
}

/** Format 4: segments of the basic plane. */
function addSegments(table: Buffer, add: (codePoint: number) => void): void {
  const doubled = table.readUInt16BE(6);
  for (let at = 0; at < doubled; at += 2) {
    const end = table.readUInt16BE(14 + at);
    const start = table.readUInt16BE(16 + doubled + at);
    const delta = table.readUInt16BE(16 + 2 * doubled + at);
    const rangeAt = 16 + 3 * doubled + at;
    const range = table.readUInt16BE(rangeAt);
    for (let codePoint = start; codePoint <= end && codePoint < 0xffff; codePoint++) {
      const listed = range === 0 ? codePoint : table.readUInt16BE(rangeAt + range + (codePoint - start) * 2);
      if (listed !== 0 && ((listed + delta) & 0xffff) !== 0) {
        add(codePoint);
      }
    }
  }
}

/** Format 12: groups over all planes. */
function addGroups(table: Buffer, add: (codePoint: number) => void): void {
  const count = table.readUInt32BE(12);
  for (let at = 16; at < 16 + count * 12; at += 12) {
    const start = table.readUInt32BE(at);
    const end = table.readUInt32BE(at + 4);
    const glyph = table.readUInt32BE(at + 8);
    for (let codePoint = start; codePoint <= end; codePoint++) {
      if (glyph + (codePoint - start) !== 0) {
        add(codePoint);
      }
    }
  }
}
