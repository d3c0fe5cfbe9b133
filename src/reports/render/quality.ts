import type { Severity } from '../../analyses/finding.ts';
import { severities } from '../../analyses/finding.ts';
import type { GateCondition } from '../../events/event.ts';
import type { DetailCounts, Rating } from '../report.ts';
import { isMessageKey } from './messages.ts';
import type { MessageKey, Texts } from './messages.ts';
import { rowsListedMax } from './sections.ts';
import type { Section } from './sections.ts';
import { durationText, hotspotCategory, probabilityText, worded } from './words.ts';

/** What the sections on the quality gate, security hotspots, new code and effort say, in the report's language but not yet laid out. */

export interface GateRow {
  readonly metric: string;
  /** SonarQube's own name of the metric. */
  readonly key: string;
  readonly failsWhen: string;
  readonly value: string;
  readonly status: string;
  readonly failed: boolean;
}

export interface Gate {
  readonly line: string;
  /** As it came: `OK`, `ERROR`, ... */
  readonly status: string;
  readonly statusText: string;
  readonly rows: readonly GateRow[];
  readonly notes: readonly string[];
}

/** The gate as it came: no status is worked out again, and what has no value says so. Null where there is none. */
export function gateOf({ document, texts }: Section): Gate | null {
  const { gate } = document;
  if (gate === undefined) return null;
  const { say } = texts;
  const more = gate.conditions.length - rowsListedMax;
  return {
    line: say('gate.line', { name: gate.name === '' ? '–' : gate.name }),
    status: gate.status,
    statusText: gateStatus(texts, gate.status),
    rows: gate.conditions.slice(0, rowsListedMax).map((condition) => gateRow(texts, condition)),
    notes: [
      ...(gate.conditions.length === 0 ? [say('gate.empty')] : [say('gate.note')]),
      ...(more > 0 ? [say('coverage.more', { count: more })] : []),
    ],
  };
}

function gateRow(texts: Texts, condition: GateCondition): GateRow {
  const { metric, operator, value, status, errorThreshold } = condition;
  const threshold = metricValue(texts, metric, errorThreshold);
  return {
    metric: metricName(texts, metric),
    key: metric,
    failsWhen: operatorText(texts, { metric, operator, threshold }),
    value: value === undefined ? texts.say('gate.noValue') : metricValue(texts, metric, value),
    status: gateStatus(texts, status),
    failed: status === 'ERROR',
  };
}

function gateStatus(texts: Texts, status: string): string {
  return ['OK', 'ERROR', 'WARN', 'NO_VALUE', 'NONE'].includes(status) ? worded(texts, 'gate', status) : status;
}

function operatorText(texts: Texts, options: { readonly metric: string; readonly operator: string; readonly threshold: string }): string {
  const { metric, operator, threshold } = options;
  const ofLetters: Readonly<Record<string, MessageKey>> = { GREATER_THAN: 'operator.worse', LESS_THAN: 'operator.better' };
  const key = (metric.endsWith('_rating') ? ofLetters[operator] : undefined) ?? `operator.${operator}`;
  return isMessageKey(key) && /^[A-Z_]+$/.test(operator) ? texts.say(key, { value: threshold }) : `${operator} ${threshold}`;
}

/** SonarQube's metrics that mean the same as another for a reader. */
const aliases: Readonly<Record<string, string>> = {
  sqale_rating: 'maintainability_rating',
  sqale_index: 'technical_debt',
  blocker_issues: 'blocker_violations',
  open_issues: 'violations',
};

/** In words where the metric is known, otherwise its key. */
export function metricName(texts: Texts, key: string): string {
  const isNew = key.startsWith('new_');
  const plain = key.replace(/^new_/, '').replace(/^software_quality_/, '');
  const name = Object.hasOwn(aliases, plain) ? (aliases[plain] ?? plain) : plain;
  const words = name === 'new' ? null : (standardOfMetric(name) ?? wordsOf(texts, `metric.${name}`));
  if (words === null) return key;
  return isNew ? texts.say('metric.new', { metric: words }) : words;
}

function wordsOf(texts: Texts, key: string): string | null {
  return isMessageKey(key) ? texts.say(key) : null;
}

/** Gates of ours count by standard too: `cwe_top_25_2025`. */
function standardOfMetric(name: string): string | null {
  const [, standard, edition] = /^(cwe_top_25|owasp_top_10)_(\d{4})$/.exec(name) ?? [];
  return edition === undefined ? null : `${standard === 'cwe_top_25' ? 'CWE Top 25' : 'OWASP Top 10'} ${edition}`;
}

/** Ratings as letters, shares in percent, debts in hours; a value of another form stands as it came. */
function metricValue(texts: Texts, metric: string, value: string): string {
  const number = /^\d{1,12}(\.\d+)?$/.test(value) ? Number(value) : null;
  if (number === null) return value;
  if (metric.endsWith('_rating')) return Number.isInteger(number) ? ('ABCDE'[number - 1] ?? value) : value;
  if (/(coverage|density|_reviewed)$/.test(metric)) return texts.say('value.percent', { value });
  return /(technical_debt|sqale_index|effort)/.test(metric) ? durationText(texts, number) : value;
}

export interface Hotspots {
  /** False: they could not be read, and nothing is known of them. */
  readonly known: boolean;
  readonly rating: Rating | null;
  readonly ratingText: string;
  readonly countText: string;
  readonly notes: readonly string[];
  /** Category (in English), probability, to review, reviewed. */
  readonly rows: readonly (readonly [string, string, string, string])[];
}

/** Our own count of this standard's hotspots; null where the scanner knows of none. */
export function hotspotsOf({ document, texts }: Section): Hotspots | null {
  if (document.details === undefined) return null;
  const { say, number } = texts;
  const { hotspots } = document.details;
  if (hotspots === null) {
    return {
      known: false,
      rating: null,
      ratingText: say('verdict.notAssessed'),
      countText: '',
      notes: [say('hotspots.unreadable')],
      rows: [],
    };
  }
  const { toReview, reviewed, rating } = hotspots;
  const categories = document.hotspotCategories ?? [];
  const more = categories.length - rowsListedMax;
  return {
    known: true,
    rating,
    ratingText: rating === null ? say('verdict.notAssessed') : say('hotspots.rating', { rating }),
    countText: say('hotspots.count', { reviewed, total: toReview + reviewed }),
    notes: [
      ...(toReview + reviewed === 0 ? [say('hotspots.none')] : []),
      say('hotspots.note'),
      say('hotspots.rule'),
      ...(more > 0 ? [say('coverage.more', { count: more })] : []),
    ],
    rows: categories
      .slice(0, rowsListedMax)
      .map((row) => [hotspotCategory(row.category), probabilityText(texts, row.probability), number(row.toReview), number(row.reviewed)]),
  };
}

/** Which share of the hotspots was reviewed, rounded down to a tenth, so that no band looks reached that is not. */
export function shareReviewed(texts: Texts, hotspots: DetailCounts['hotspots']): string {
  const all = hotspots === null ? 0 : hotspots.toReview + hotspots.reviewed;
  if (hotspots === null || all === 0) return '–';
  return texts.say('value.percent', { value: texts.number(Math.floor((hotspots.reviewed * 1_000) / all) / 10) });
}

export interface DetailRow {
  /** Empty for the row over all. */
  readonly id: string;
  readonly name: string;
  /** Open, in new code, effort, to review, share reviewed, review rating, accepted, false positive. */
  readonly cells: readonly [string, string, string, string, string, Rating | null, string, string];
}

export interface Details {
  readonly notes: readonly string[];
  readonly rows: readonly DetailRow[];
  /** Overall and new code: label, five severities, open, rating. Empty where new code is not known. */
  readonly newCode: readonly { readonly label: string; readonly counts: readonly string[]; readonly rating: Rating | null }[];
}

/** The report's line first, then each category; null where the scanner tells of no such things. */
export function detailsOf({ document, texts }: Section): Details | null {
  const { details } = document;
  if (details === undefined) return null;
  const { say, number } = texts;
  const { newCode } = details;
  const counts = (open: Readonly<Record<Severity, number>>): readonly string[] => severities.map((severity) => number(open[severity]));
  return {
    notes: [
      say('details.note'),
      ...(newCode === null ? [say('details.newCodeUnknown')] : []),
      ...(newCode !== null && newCode.unknown > 0 ? [say('details.notSaid', { count: newCode.unknown })] : []),
      ...(details.withoutEffort > 0 ? [say('details.withoutEffort', { count: details.withoutEffort })] : []),
    ],
    rows: [
      { id: '', name: say('details.total'), cells: detailCells(texts, details, document.vulnerabilitiesCount, document.assessed) },
      ...document.categories.map(({ id, name, direct, assessed, details: own }) => ({
        id,
        name,
        cells: detailCells(texts, own ?? noDetails, direct, assessed),
      })),
    ],
    newCode:
      newCode === null
        ? []
        : [
            {
              label: say('newCode.overall'),
              counts: [...counts(document.openBySeverity), number(document.vulnerabilitiesCount)],
              rating: document.rating,
            },
            { label: say('newCode.new'), counts: [...counts(newCode.open), number(newCode.count)], rating: newCode.rating },
          ],
  };
}

const noDetails: DetailCounts = { newCode: null, effortMinutes: 0, withoutEffort: 0, hotspots: null, accepted: 0, falsePositive: 0 };

/** What was not assessed has a dash where a zero would say that somebody had looked. */
function detailCells(texts: Texts, details: DetailCounts, open: number, assessed: boolean): DetailRow['cells'] {
  const cell = (value: number | undefined): string => (value === undefined || (!assessed && value === 0) ? '–' : texts.number(value));
  const { newCode, hotspots, effortMinutes } = details;
  return [
    cell(open),
    cell(newCode?.count),
    open === 0 ? '–' : durationText(texts, effortMinutes),
    cell(hotspots?.toReview),
    shareReviewed(texts, hotspots),
    hotspots?.rating ?? null,
    cell(details.accepted),
    cell(details.falsePositive),
  ];
}
