import type { OwaspTag } from '../finding.ts';
import { tagCharactersMax } from './limits.ts';

// Years that have an OWASP Top 10 we report on. Other lists of OWASP (API, Mobile, LLM) begin their ids with other letters.
const editions = '2017|2021|2025';
/** `OWASP-A05:2021 - …`, `A01:2021`, `A1:2017-Injection`. */
const idFirst = new RegExp(`(?<![a-z0-9])a0*(10|[1-9])[\\s:_-]{1,4}(${editions})(?![0-9])`, 'i');
/** `OWASP Top 10 2021 Category A03`, `owaspTop10-2021:a3`, `OWASP-2021-A03`. */
const editionFirst = new RegExp(
  `owasp[^a-z]*(?:top)?[\\s_-]*(?:10|ten)?[^a-z0-9]{0,4}(${editions})[^a-z0-9]{0,4}(?:category\\s+)?a0*(10|[1-9])(?![0-9])`,
  'i',
);
const idAlone = /^\s*a0*(10|[1-9])(?![0-9])/i;
const edition = new RegExp(`(?<![0-9])(${editions})(?![0-9])`);

/** The category a text names together with its edition; a category without one says too little. */
export function owaspOfText(text: string): OwaspTag | undefined {
  const short = text.slice(0, tagCharactersMax);
  const first = idFirst.exec(short);
  if (first !== null) return tag(Number(first[2]), Number(first[1]));
  const second = editionFirst.exec(short);
  return second === null ? undefined : tag(Number(second[1]), Number(second[2]));
}

/** What the entry of an OWASP taxonomy stands for: the edition may stand in the taxonomy's name or version. */
export function owaspOfTaxon(id: string, taxonomy: string): OwaspTag | undefined {
  const whole = owaspOfText(id);
  if (whole !== undefined) return whole;
  const year = edition.exec(taxonomy)?.[1];
  const number = idAlone.exec(id)?.[1];
  return year === undefined || number === undefined ? undefined : tag(Number(year), Number(number));
}

export function isOwaspName(name: string): boolean {
  return /owasp/i.test(name);
}

/** Adds a tag unless it is there. */
export function addOwasp(tag: OwaspTag | undefined, into: OwaspTag[]): void {
  if (tag !== undefined && !into.some((other) => other.edition === tag.edition && other.id === tag.id)) into.push(tag);
}

/** In OWASP's own form: `A1` in 2017, `A01` since 2021. */
function tag(edition: number, number: number): OwaspTag {
  return { edition, id: edition === 2017 ? `A${number}` : `A${String(number).padStart(2, '0')}` };
}
