import type { Severity } from '../finding.ts';

export type Level = 'error' | 'warning' | 'note' | 'none';

const ofLevel: Readonly<Record<Level, Severity>> = { error: 'CRITICAL', warning: 'MAJOR', note: 'MINOR', none: 'INFO' };

const words: ReadonlyMap<string, Severity> = new Map([
  ['critical', 'BLOCKER'],
  ['high', 'CRITICAL'],
  ['error', 'CRITICAL'],
  ['medium', 'MAJOR'],
  ['moderate', 'MAJOR'],
  ['warning', 'MAJOR'],
  ['low', 'MINOR'],
  ['note', 'MINOR'],
  ['info', 'INFO'],
  ['informational', 'INFO'],
  ['none', 'INFO'],
]);

/** A `security-severity`: a number from 0 on, as number or text, or one of the words tools use for its bands. Anything else is none. */
export function severityOfScore(value: unknown): Severity | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const text = String(value).trim();
  const word = words.get(text.toLowerCase());
  if (word !== undefined || !/^[0-9.]/.test(text)) return word;
  const score = Number(text);
  if (Number.isNaN(score)) return undefined;
  if (score >= 9) return 'BLOCKER';
  if (score >= 7) return 'CRITICAL';
  if (score >= 4) return 'MAJOR';
  return score > 0 ? 'MINOR' : 'INFO';
}

/** A level, in whatever case it is written; undefined for a word that is none. */
export function levelOf(value: unknown): Level | undefined {
  const word = typeof value === 'string' ? value.toLowerCase() : '';
  return word === 'error' || word === 'warning' || word === 'note' || word === 'none' ? word : undefined;
}

/** The severity of a result: scores before levels, the result's own word before its rule's, `warning` where nobody says. */
export function severityOfResult(result: {
  readonly score: Severity | undefined;
  readonly ruleScore: Severity | undefined;
  readonly level: Level | undefined;
  readonly ruleLevel: Level | undefined;
  readonly fails: boolean;
}): Severity {
  const score = result.score ?? result.ruleScore;
  if (score !== undefined) return score;
  return ofLevel[result.level ?? (result.fails ? (result.ruleLevel ?? 'warning') : 'none')];
}
