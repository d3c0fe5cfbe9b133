import { refFilterCharactersMax, refFilterOf } from '../../src/webhooks/ref-filter/ref-filter.ts';
import { bar } from '../load/figures.ts';
import type { Row } from './row.ts';

// 10,000 filters, each held against 10,000 refs: of every kind that people write, and hostile ones of the greatest length, which are held against the
// longest of the refs. Beside it how the time of the worst of them grows with the ref.

const filtersMade = 10_000;
const refsMade = 10_000;
/** Of the filters. */
const hostileMade = 50;
/** No single match may take longer. */
const matchMsMax = 1;
/** Of a ref that is four times as long; were it the square, it would be sixteen. */
const growthMax = 8;
/** Of a branch; git's own files end at about that. */
const refCharacters = 244;

const areas = ['main', 'dev', 'release', 'feature', 'fix', 'team-a', 'team-b', 'hot', 'docs', 'ci'] as const;
const area = (n: number): string => areas[n % areas.length] ?? '';

const ordinary: readonly ((n: number) => string)[] = [
  (n) => `${area(n)}-${n}`,
  (n) => `${area(n)}/*`,
  (n) => `${area(n)}/${n}*`,
  (n) => `{main,${area(n)}/**}`,
  (n) => `{main,release/${n % 7}.*,refs/tags/v${n % 9}*}`,
  (n) => `refs/heads/${area(n)}/*`,
  (n) => `*/${n}`,
  (n) => `release/[0-9]*.${n % 10}`,
  (n) => `[!m]*-${n % 100}`,
  (n) => `feature/${n % 10}?{a,b,-*}`,
];

const repeated = (text: string, end: string): string => text.repeat(Math.floor((refFilterCharactersMax - end.length) / text.length)) + end;
const hostile: readonly string[] = [
  repeated('*a', 'b'),
  repeated('{a,*a}', ''),
  repeated('{,a}', '?'),
  repeated('?*', ''),
  repeated('[!b]*', '?'),
  repeated('?{,?}', '?'),
  `{${repeated('*?,', '*?}?').slice(0, refFilterCharactersMax - 1)}`,
  repeated('*a', '[!x]*'),
  '{'.repeat(refFilterCharactersMax),
  repeated('{a*,', 'b'),
];

interface Figures {
  readonly matches: number;
  readonly seconds: number;
  readonly nsPerMatch: number;
  readonly passed: number;
  /** Of all single matches of hostile filters, the slowest. */
  readonly slowestMs: number;
  readonly slowest: string;
  /** How many times longer the slowest takes of a ref of four times the length: about four. */
  readonly growth: number;
}

/** 10,000 filters held against 10,000 refs: a match that takes longer than a millisecond is one too many. */
export const filters: Row = {
  name: 'filters',
  run() {
    const { matches, seconds, nsPerMatch, passed, slowestMs, slowest, growth } = measure();
    return Promise.resolve([
      `filters of refs: ${filtersMade} against ${refsMade}, ${hostileMade} of them hostile`,
      `  ${matches} matches in ${seconds.toFixed(1)} s, ${nsPerMatch.toFixed(0)} ns each; ${passed} passed`,
      `  the slowest of a filter of ${refFilterCharactersMax} characters, ${slowest.slice(0, 12)}…, and a ref of ${refCharacters}: ${slowestMs.toFixed(2)} ms`,
      `  a ref four times as long takes ${growth.toFixed(1)} times as long`,
      bar(slowestMs <= matchMsMax, `  no match above ${matchMsMax} ms`),
      bar(growth < growthMax, '  linear in the ref'),
    ]);
  },
};

function measure(): Figures {
  const texts = Array.from({ length: filtersMade - hostileMade }, (_, n) => ordinary[n % ordinary.length]?.(n) ?? '');
  const refs = Array.from({ length: refsMade }, (_, n) =>
    n % 10 === 9 ? `refs/tags/v${n % 20}.${n}` : `refs/heads/${area(n)}${n % 3 === 0 ? '-' : '/'}${n}`,
  );
  const compiled = texts.map(refFilterOf);
  const started = performance.now();
  let passed = 0;
  for (const filter of compiled) for (const ref of refs) if (filter.passes(ref)) passed += 1;
  const longest = Array.from({ length: 10 }, (_, n) => longRef(n, refCharacters));
  let worst = { text: '', ref: '', ms: 0 };
  for (let n = 0; n < hostileMade; n += 1) {
    const text = hostile[n % hostile.length] ?? '';
    const filter = refFilterOf(text);
    for (const ref of longest) {
      const ms = slowestOf(() => filter.passes(ref));
      if (ms > worst.ms) worst = { text, ref, ms };
    }
    for (const ref of refs) if (filter.passes(ref)) passed += 1;
  }
  const seconds = (performance.now() - started) / 1000;
  const matches = filtersMade * refsMade;
  const filter = refFilterOf(worst.text);
  const growth = least(() => filter.passes(worst.ref + 'a'.repeat(refCharacters * 3))) / least(() => filter.passes(worst.ref));
  const nsPerMatch = (seconds * 1e9) / matches;
  return { matches, seconds, nsPerMatch, passed, slowestMs: worst.ms, slowest: worst.text, growth };
}

function longRef(n: number, characters: number): string {
  const name = 'a'.repeat(characters);
  return `refs/heads/${n % 2 === 0 ? name : name.replaceAll(/a{7}/g, () => `aaaaaa${areas[n]?.charAt(0) ?? 'a'}`)}`;
}

/** What else the machine does is not the matcher's: a match that seems slow is looked at again. */
function slowestOf(match: () => unknown): number {
  const ms = once(match);
  return ms > matchMsMax / 2 ? Math.min(ms, least(match)) : ms;
}

function least(match: () => unknown): number {
  let ms = once(match);
  for (let times = 0; times < 20; times += 1) ms = Math.min(ms, once(match));
  return ms;
}

function once(match: () => unknown): number {
  const started = performance.now();
  match();
  return performance.now() - started;
}
