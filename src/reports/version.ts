/**
 * Product versions: which are the same, and which is the newer (report API contract, section 3, "Versions").
 *
 * A version is one to six dot-separated numbers, with one leading `v` if wanted, then SemVer 2.0.0's pre-release and build parts. Missing
 * numbers are 0, leading zeros do not count, numbers may have any length. What reads otherwise is a text: equal to the very same text alone,
 * and in no range.
 */

/** Characters of a version, whichever kind. SonarQube takes 100. */
export const versionCharactersMax = 255;
/** Dot-separated numbers of an ordered version. */
export const versionNumbersMax = 6;

export interface Version {
  /** What tells one version from another: canonical, build metadata included. A text is its own. */
  readonly normal: string;
  /** Compared byte by byte it gives SemVer precedence. Build metadata is not in it; a text sorts before every ordered version. */
  readonly key: string;
  /** False for a text. */
  readonly ordered: boolean;
}

/** Every ordered version's key is at or above it, every text's below. */
export const orderedKeysFrom = '1';

const textPrefix = '0';
const identifier = '(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)';
const grammar = new RegExp(
  `^v?(\\d+(?:\\.\\d+){0,${versionNumbersMax - 1}})(?:-(${identifier}(?:\\.${identifier})*))?(?:\\+([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?$`,
);

/** Reads any text as a version; what is not ordered is a text. Lengths are the caller's to bound (`versionCharactersMax`). */
export function parseVersion(text: string): Version {
  const match = grammar.exec(text);
  const numbersText = match?.[1];
  if (numbersText === undefined) return { normal: text, key: `${textPrefix}${text}`, ordered: false };
  const numbers = numbersText.split('.').map(withoutLeadingZeros);
  const pre = match?.[2];
  const build = match?.[3];
  const tail = `${pre === undefined ? '' : `-${pre}`}${build === undefined ? '' : `+${build}`}`;
  return { normal: `${canonical(numbers)}${tail}`, key: `${orderedKeysFrom}${numbersKey(numbers)}${preReleaseKey(pre)}`, ordered: true };
}

function withoutLeadingZeros(digits: string): string {
  let at = 0;
  while (at < digits.length - 1 && digits[at] === '0') at += 1;
  return digits.slice(at);
}

/** At least three numbers, no zeros behind the third: `1`, `1.0` and `1.0.0.0` are all `1.0.0`. */
function canonical(numbers: readonly string[]): string {
  const kept = [...numbers];
  while (kept.length > 3 && kept.at(-1) === '0') kept.pop();
  while (kept.length < 3) kept.push('0');
  return kept.join('.');
}

/** Zeros at the end are dropped; what follows the numbers (`!` or `.`) sorts below every number. */
function numbersKey(numbers: readonly string[]): string {
  let length = numbers.length;
  while (length > 0 && numbers[length - 1] === '0') length -= 1;
  return numbers.slice(0, length).map(numberKey).join('');
}

/** The length first, so that 10 comes after 9: a letter up to 25 digits, then `z` and the length in three digits. */
function numberKey(digits: string): string {
  const length = digits.length;
  const prefix = length <= 25 ? String.fromCharCode(0x60 + length) : `z${String(length).padStart(3, '0')}`;
  return `${prefix}${digits}`;
}

/**
 * A release ends in `.`, a pre-release goes on with `!`, which is lower. In it a number (`1`) is below a word (`2`), and the end (`0`) below
 * both, so that the longer list of equal identifiers is the newer. `!` ends a word and is below every character that a word may hold.
 */
function preReleaseKey(pre: string | undefined): string {
  if (pre === undefined) return '.';
  const parts = pre.split('.').map((part) => (/^\d+$/.test(part) ? `1${numberKey(part)}` : `2${part}!`));
  return `!${parts.join('')}0`;
}
