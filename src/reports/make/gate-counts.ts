import type { Finding, Severity } from '../../analyses/finding.ts';
import { evaluateGate } from '../../analyses/gates/evaluate.ts';
import type { GateCounts } from '../../analyses/gates/metrics.ts';
import { splitMetric, standardMetric } from '../../analyses/gates/metrics.ts';
import type { GateFacts } from '../../events/event.ts';
import { categoriesOf, standards } from '../standards/standard.ts';
import type { GateJob } from './job.ts';

export interface GateCounter {
  /** Counts a finding in. `fresh`: it came since the previous version. */
  add(finding: Finding, fresh: boolean): void;
  /** What the gate comes to, after the last finding. */
  result(): GateFacts;
}

interface Counts extends GateCounts {
  readonly open: Record<Severity, number>;
  toReview: number;
  reviewed: number;
  readonly standards: Record<string, number>;
}

/** Counts findings for a gate as they come, by no more standards than its conditions name. */
export function createGateCounter(gate: GateJob): GateCounter {
  const bases = new Set(gate.conditions.map(({ metric }) => splitMetric(metric).base));
  const counted = standards.map((standard) => ({ standard, metric: standardMetric(standard) })).filter(({ metric }) => bases.has(metric));
  const empty = (): Counts => ({
    open: { BLOCKER: 0, CRITICAL: 0, MAJOR: 0, MINOR: 0, INFO: 0 },
    toReview: 0,
    reviewed: 0,
    standards: Object.fromEntries(counted.map(({ metric }) => [metric, 0])),
  });
  const overall = empty();
  const fresh = empty();

  const count = (finding: Finding, counts: Counts, metrics: readonly string[]): void => {
    if (finding.state === 'review') counts.toReview += 1;
    else if (finding.hotspot?.status === 'REVIEWED') counts.reviewed += 1;
    else if (finding.state === 'open') counts.open[finding.severity] += 1;
    for (const metric of metrics) counts.standards[metric] = (counts.standards[metric] ?? 0) + 1;
  };
  return {
    add(finding, isFresh) {
      if (finding.apart === true) return;
      const within = counted.filter(({ standard }) => finding.state === 'open' && categoriesOf(standard, finding).direct.length > 0);
      const metrics = within.map(({ metric }) => metric);
      count(finding, overall, metrics);
      if (isFresh) count(finding, fresh, metrics);
    },
    result: () => evaluateGate(gate, { overall, fresh: gate.newSince === null ? null : fresh }),
  };
}
