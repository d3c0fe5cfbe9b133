/** Characters of one part of a path. Four parts stay below what Windows takes (260). */
export const partCharactersMax = 60;
/** UTF-8 bytes of one part: file systems take 255. */
export const partBytesMax = 240;

const extensionCharactersMax = 16;
/** Controls, formats (bidirectional ones among them), line ends, lone surrogates, private and unassigned ones; and what some file system forbids. */
const forbidden = /[\p{C}\p{Zl}\p{Zp}/\\:*?"<>|]/gu;
/** Names that Windows takes for devices, with any extension. */
const device = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;

/**
 * One part of a path that every system takes and that leads nowhere else: no separators, no controls, no `.` or `..`, no device of Windows, no
 * blank or dot at an end, bounded. Never empty.
 */
export function cleanPart(text: string): string {
  const plain = text
    .normalize('NFC')
    .replaceAll(forbidden, '_')
    .replaceAll(/\s+/gu, ' ')
    .trim()
    .replaceAll(/^\.+|\.+$/g, '_');
  const bounded = shorten(plain, '');
  if (bounded === '') return '_';
  return device.test(bounded.replaceAll(' ', '')) ? shorten(`_${bounded}`, '') : bounded;
}

/** Cuts between characters, so that `tail` and a short extension stay whole. */
function shorten(text: string, tail: string): string {
  const { stem, extension } = splitExtension(text);
  let kept = '';
  let characters = extension.length + tail.length;
  let bytes = Buffer.byteLength(extension + tail);
  for (const character of stem) {
    characters += 1;
    bytes += Buffer.byteLength(character);
    if (characters > partCharactersMax || bytes > partBytesMax) break;
    kept += character;
  }
  return (kept.replace(/[ .]+$/, '') || (stem === '' ? '' : '_')) + tail + extension;
}

function splitExtension(text: string): { stem: string; extension: string } {
  const dot = text.lastIndexOf('.');
  const extension = dot > 0 ? text.slice(dot) : '';
  if (!/^\.[A-Za-z0-9]+$/.test(extension) || extension.length > extensionCharactersMax) return { stem: text, extension: '' };
  return { stem: text.slice(0, dot), extension };
}

/** Hands out the names of one folder: each clean, none twice, also for those who do not tell `A` from `a`. */
export interface Folder {
  /** The second of one name gets ` (2)`, before its extension where it is a file. */
  name(text: string, kind: 'file' | 'folder'): string;
}

export function createFolder(taken: readonly string[] = []): Folder {
  const used = new Set(taken.map(folded));
  return {
    name(text, kind) {
      const clean = cleanPart(text);
      let name = clean;
      for (let number = 2; used.has(folded(name)); number += 1) name = numbered(clean, number, kind);
      used.add(folded(name));
      return name;
    },
  };
}

function numbered(clean: string, number: number, kind: 'file' | 'folder'): string {
  const tail = ` (${number})`;
  if (kind === 'file') return shorten(clean, tail);
  // A version's last number is no extension: `1.0 (2)`.
  const room = Array.from(clean)
    .slice(0, partCharactersMax - tail.length)
    .join('');
  return room + tail;
}

/** One form for all that a file system may take for the same name. */
function folded(name: string): string {
  return name.normalize('NFKC').toLowerCase().toUpperCase();
}
