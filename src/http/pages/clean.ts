/**
 * Text from a scanner is hostile: it may hold what no font has, what turns the reading order round, what is invisible, or far too much.
 * What comes out of a cleaner shows every such thing as a visible `‹U+202E›` and has a bounded length.
 */
export interface Cleaned {
  readonly text: string;
  /** True where the end is missing because it would have been too long. */
  readonly cut: boolean;
}

export type Cleaner = (text: string, charactersMax: number) => Cleaned;

/** More marks than this on one letter are drawn over the neighbours, and make PDF text that cannot be copied. */
export const marksOfLetterMax = 3;
/** Longer runs without a place to break get one. */
export const unbrokenCharactersMax = 16;
/** No text is looked at beyond this. */
const inputCharactersMax = 65_536;

/** Controls, unassigned, private, format (bidi among them) and all that is drawn as nothing. */
const unseen = /[\p{C}\p{Default_Ignorable_Code_Point}]/u;
/** What may stay in HTML: the selectors that only say whether a sign is shown as text or as emoji. */
const emojiSelector = /[\uFE0E\uFE0F]/u;
const mark = /\p{M}/u;
const plain = /^[\n\x20-\x7E]*$/;

export function escapeOf(codePoint: number): string {
  return `‹U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}›`;
}

function normal(text: string): string {
  return text
    .slice(0, inputCharactersMax)
    .toWellFormed()
    .normalize('NFC')
    .replace(/\r\n?|[\v\f\u0085\u2028\u2029]/g, '\n')
    .replace(/\t/g, '    ');
}

function createCleaner(mustEscape: (codePoint: number, character: string) => boolean): Cleaner {
  return (text, charactersMax) => {
    const input = normal(text);
    const beyond = text.length > inputCharactersMax;
    if (plain.test(input) && input.length <= charactersMax) {
      return { text: input, cut: beyond };
    }
    const out: string[] = [];
    let length = 0;
    let marks = 0;
    for (const character of input) {
      const codePoint = character.codePointAt(0) ?? 0;
      marks = mark.test(character) ? marks + 1 : 0;
      const shown = marks > marksOfLetterMax || (character !== '\n' && mustEscape(codePoint, character)) ? escapeOf(codePoint) : character;
      if (length + shown.length > charactersMax) {
        return { text: out.join(''), cut: true };
      }
      out.push(shown);
      length += shown.length;
    }
    return { text: out.join(''), cut: beyond };
  };
}

/** For HTML: readers have fonts of their own, so only what is unseen or misleads is escaped. It does not escape markup. */
export const cleanForScreen: Cleaner = createCleaner((_, character) => unseen.test(character) && !emojiSelector.test(character));

/** For PDF: what none of the fonts has is escaped too, for one such character stops the whole export. */
export function createPrintCleaner(covers: (codePoint: number) => boolean): Cleaner {
  return createCleaner((codePoint, character) => unseen.test(character) || !covers(codePoint));
}

/** Scripts in which a line may break between any two letters. */
const longWord = /[^\s\u2E80-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF\uFF00-\uFF60]{17,}/gu;

/**
 * Gives long words (paths, URLs, base64) places to break: after punctuation where there is some, otherwise every eight letters.
 * Typst would let them run over the neighbouring column and off the page. The break is U+200B, which shows as nothing.
 */
export function breakLongWords(text: string): string {
  return text.replace(longWord, (word) =>
    word
      .split(/(?<=[/\\._\-:;,=&?!@#%+~|)\]}›])/u)
      .flatMap((part) => (part.length > unbrokenCharactersMax ? (part.match(/[\s\S]{1,8}/gu) ?? []) : [part]))
      .join('\u200B'),
  );
}

/** The address as a browser would take it, if it is http or https; anything else is no link. */
export function webAddress(text: string | undefined): string | null {
  if (text === undefined || text.length > addressCharactersMax || !URL.canParse(text)) {
    return null;
  }
  const url = new URL(text);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
}

const addressCharactersMax = 2_000;
