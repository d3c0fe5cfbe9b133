import type { GateCondition, GateFacts } from '../../events/event.ts';
import type { Condition, Gate } from './gate.ts';
import type { GateCounts } from './metrics.ts';
import { splitMetric, valueOf } from './metrics.ts';

/** What is counted of an analysis. */
export interface GateMeasures {
  readonly overall: GateCounts;
  /** Since the previous version; null where there is nothing to compare with. */
  readonly fresh: GateCounts | null;
}

/**
 * What a gate comes to, in SonarQube's words (its contract, 1.1). A condition without a value is `NO_VALUE` and fails nothing, so a first
 * analysis passes all that is about new code. The gate is `ERROR` where one condition is. Pure: the same counts, the same answer.
 */
export function evaluateGate({ name, conditions }: Pick<Gate, 'name' | 'conditions'>, measures: GateMeasures): GateFacts {
  const results = conditions.map((condition) => evaluateCondition(condition, measures));
  return { name, status: results.some(({ status }) => status === 'ERROR') ? 'ERROR' : 'OK', conditions: results };
}

function evaluateCondition({ metric, operator, errorThreshold }: Condition, { overall, fresh }: GateMeasures): GateCondition {
  const { base, isNew } = splitMetric(metric);
  const counts = isNew ? fresh : overall;
  const value = counts === null ? null : valueOf(base, counts);
  if (value === null) return { metric, operator, status: 'NO_VALUE', errorThreshold };
  const beyond = operator === 'GREATER_THAN' ? Number(value) > Number(errorThreshold) : Number(value) < Number(errorThreshold);
  return { metric, operator, value, status: beyond ? 'ERROR' : 'OK', errorThreshold };
}
