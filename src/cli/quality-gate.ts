/** What a server says that a quality gate came to. */
interface ToldGate {
  readonly name: string;
  readonly status: string;
  readonly conditions: readonly ToldCondition[];
}

type ToldCondition = Readonly<Record<'metric' | 'operator' | 'value' | 'status' | 'errorThreshold', string>>;

/** Of an analysis as the server tells it; null where there is none, or one that is not understood. */
export function gateIn(analysis: unknown): ToldGate | null {
  const gate = objectOf(objectOf(analysis)['qualityGate']);
  const { name, status, conditions } = gate;
  if (typeof name !== 'string' || typeof status !== 'string' || !Array.isArray(conditions)) return null;
  return { name, status, conditions: conditions.map(conditionOf) };
}

function conditionOf(told: unknown): ToldCondition {
  const facts = objectOf(told);
  const text = (name: string): string => (typeof facts[name] === 'string' ? facts[name] : '');
  return {
    metric: text('metric'),
    operator: text('operator'),
    value: text('value'),
    status: text('status'),
    errorThreshold: text('errorThreshold'),
  };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** For people: whether it passed, and where not, what failed. */
export function gateLines(gate: ToldGate | null): readonly string[] {
  if (gate === null) return [];
  const failed = gate.conditions.filter((condition) => condition.status === 'ERROR');
  const verdict = { OK: 'passed', ERROR: 'failed' }[gate.status] ?? gate.status;
  return [`Quality gate "${gate.name}" ${verdict}${failed.length > 0 ? ':' : '.'}`, ...failed.map(conditionLine)];
}

function conditionLine({ metric, operator, value, errorThreshold }: ToldCondition): string {
  const [than, grade] = [operator === 'LESS_THAN' ? 'less' : 'greater', metric.endsWith('_rating') ? letterOf : (text: string) => text];
  return `  ${metric} is ${grade(value)}, ${than} than ${grade(errorThreshold)}`;
}

/** `4 (D)`. */
function letterOf(rating: string): string {
  const letter = 'ABCDE'[Number(rating) - 1];
  return letter === undefined ? rating : `${rating} (${letter})`;
}
