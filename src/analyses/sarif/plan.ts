/**
 * Which parts of a JSON text a scan takes out, as a tree that is laid over the text: what no plan names is checked and passed over.
 * A `take` is given out whole, so it must be small; an `object` or `array` is walked and may be of any size.
 */
export type Plan =
  | { readonly as: 'skip' }
  | { readonly as: 'take'; readonly name: string }
  | { readonly as: 'object'; readonly name: string; readonly strict: boolean; readonly keys: ReadonlyMap<string, Plan> }
  | {
      readonly as: 'array';
      readonly name: string;
      readonly strict: boolean;
      readonly each: Plan;
      readonly max: number;
      readonly code: string;
    };

export const skip: Plan = { as: 'skip' };

/** Give the value out whole, as text. */
export function take(name: string): Plan {
  return { as: 'take', name };
}

/** Walk an object: these keys as planned, all others passed over. A value of another type is told and passed over. */
export function object(name: string, keys: Readonly<Record<string, Plan>>): Plan {
  return { as: 'object', name, strict: false, keys: new Map(Object.entries(keys)) };
}

/** Walk an array of at most `max` entries; more are refused with `code`. A value of another type is told and passed over. */
export function array(name: string, each: Plan, limit: { readonly max: number; readonly code: string }): Plan {
  return { as: 'array', name, strict: false, each, max: limit.max, code: limit.code };
}

/** The same, but a value of another type is refused. */
export function strict(plan: Plan): Plan {
  return plan.as === 'object' || plan.as === 'array' ? { ...plan, strict: true } : plan;
}
