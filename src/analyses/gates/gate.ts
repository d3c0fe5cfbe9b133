import { invalid } from '../../errors.ts';
import { kindOfMetric } from './metrics.ts';

export const operators = ['GREATER_THAN', 'LESS_THAN'] as const;
export type Operator = (typeof operators)[number];

/** It fails where the metric's value is beyond the threshold; a value that is the threshold passes. */
export interface Condition {
  readonly metric: string;
  readonly operator: Operator;
  readonly errorThreshold: string;
}

/** An organization's rule of when an analysis is good enough. */
export interface Gate {
  readonly id: string;
  readonly name: string;
  /** What projects that chose none go by. */
  readonly isDefault: boolean;
  readonly conditions: readonly Condition[];
  /** Null for the one that is there without having been made. */
  readonly created: number | null;
  readonly updated: number | null;
}

export const gatesOfOrganizationMax = 100;
export const conditionsOfGateMax = 30;
export const gateNameCharactersMax = 100;
/** A count that a threshold may name at most. */
export const countThresholdMax = 999_999_999;

export const builtInGateId = 'gatepost-way';
/**
 * What an organization goes by until it has a default of its own. It looks at what is new alone: a first analysis has nothing to be compared
 * with and passes, however much it found, and from then on nothing may be added. The count says that something was, the rating how bad it is.
 */
export const builtInGate: Gate = {
  id: builtInGateId,
  name: 'Gatepost way',
  isDefault: true,
  conditions: [
    { metric: 'new_vulnerabilities', operator: 'GREATER_THAN', errorThreshold: '0' },
    { metric: 'new_security_rating', operator: 'GREATER_THAN', errorThreshold: '1' },
  ],
  created: null,
  updated: null,
};

/** A name without blanks around it. Fails with `invalid_name`. */
export function checkedGateName(text: string): string {
  const name = text.trim().normalize('NFC');
  if (name === '' || name.length > gateNameCharactersMax || /\p{Cc}|\p{Cs}/u.test(name)) {
    throw invalid('invalid_name', `The name of a gate has 1 to ${gateNameCharactersMax} characters and no control characters.`, {
      field: 'name',
      charactersMax: gateNameCharactersMax,
    });
  }
  return name;
}

/** A condition as it is given. */
export interface GivenCondition {
  readonly metric: string;
  readonly operator: Operator;
  readonly errorThreshold: string | number;
}

/**
 * The conditions if they keep the rules. Fails with `too_many_conditions`, `unknown_metric`, `duplicate_condition` (a metric has one condition
 * in a gate, as in SonarQube), `invalid_threshold`; `details` says which one.
 */
export function checkedConditions(given: readonly GivenCondition[], metrics: readonly string[]): readonly Condition[] {
  if (given.length > conditionsOfGateMax) {
    throw invalid('too_many_conditions', `A gate has at most ${conditionsOfGateMax} conditions.`, { max: conditionsOfGateMax });
  }
  return given.map(({ metric, operator, errorThreshold }, index) => {
    const details = { field: `conditions/${index}`, metric };
    if (!metrics.includes(metric)) throw invalid('unknown_metric', `There is no metric ${metric}.`, { ...details, metrics });
    if (given.findIndex((other) => other.metric === metric) !== index) {
      throw invalid('duplicate_condition', `The gate has two conditions about ${metric}.`, details);
    }
    return { metric, operator, errorThreshold: checkedThreshold({ metric, operator, text: String(errorThreshold).trim() }) };
  });
}

function checkedThreshold({ metric, operator, text }: { readonly metric: string; readonly operator: Operator; readonly text: string }) {
  const kind = kindOfMetric(metric);
  if (kind === 'rating') {
    // Nothing is worse than E or better than A: such a condition could never fail.
    const [least, most] = operator === 'GREATER_THAN' ? [1, 4] : [2, 5];
    if (/^\d$/.test(text) && Number(text) >= least && Number(text) <= most) return text;
    throw refused(metric, `a rating from ${least} to ${most}: 1 is A, 5 is E`);
  }
  if (kind === 'percent') {
    if (/^\d{1,3}(\.\d{1,2})?$/.test(text) && Number(text) <= 100) return text;
    throw refused(metric, 'a percentage from 0 to 100, with at most two decimals');
  }
  if (/^\d{1,9}$/.test(text)) return String(Number(text));
  throw refused(metric, `a whole number from 0 to ${countThresholdMax}`);
}

function refused(metric: string, what: string): Error {
  return invalid('invalid_threshold', `The threshold of ${metric} is ${what}.`, { metric });
}
