import type { TSchema } from 'typebox';
import { Type } from 'typebox';
import { timestampText } from '../../clock.ts';
import type { Gate } from './gate.ts';
import { builtInGateId, conditionsOfGateMax, gateNameCharactersMax, operators } from './gate.ts';

const orNull = <T extends TSchema>(schema: T, description: string) => Type.Union([schema, Type.Null()], { description });

const metric = Type.String({
  description:
    'What is looked at, by SonarQube’s names: `vulnerabilities`, `blocker_violations`, `security_rating`, `security_hotspots`, …, a standard such as `cwe_top_25_2025`; with `new_` before it, of what is new since the previous version alone.',
});
const operator = Type.Enum([...operators], { description: 'It fails where the value is greater (or less) than the threshold.' });
const threshold = 'A count, a percentage, or a rating from 1 (A) to 5 (E).';

const NewCondition = Type.Object(
  { metric, operator, errorThreshold: Type.Union([Type.String({ maxLength: 20 }), Type.Number()], { description: threshold }) },
  { additionalProperties: false },
);
const Conditions = Type.Array(NewCondition, {
  description: `At most ${conditionsOfGateMax}, one for each metric. None: the gate always passes.`,
});
const Name = Type.String({ description: `1 to ${gateNameCharactersMax} characters, another for each gate.` });
const IsDefault = Type.Boolean({
  description: `Whether projects that chose none go by it. At most one is; where none is, \`${builtInGateId}\` is.`,
});

export const NewGate = Type.Object(
  { name: Name, conditions: Conditions, isDefault: Type.Optional(IsDefault) },
  { additionalProperties: false },
);
export const ChangedGate = Type.Object(
  { name: Type.Optional(Name), conditions: Type.Optional(Conditions), isDefault: Type.Optional(IsDefault) },
  { additionalProperties: false, minProperties: 1 },
);

export const GateBody = Type.Object({
  id: Type.String(),
  name: Name,
  isDefault: IsDefault,
  builtIn: Type.Boolean({ description: 'It is there without having been made, and cannot be changed.' }),
  conditions: Type.Array(Type.Object({ metric, operator, errorThreshold: Type.String({ description: threshold }) })),
  created: orNull(Type.String({ format: 'date-time' }), 'Null for the built-in one.'),
  updated: orNull(Type.String({ format: 'date-time' }), 'Null for the built-in one.'),
});

/** A gate as `/v1` shows it. */
export function gateBody({ id, name, isDefault, conditions, created, updated }: Gate) {
  return {
    id,
    name,
    isDefault,
    builtIn: id === builtInGateId,
    conditions: conditions.map((condition) => ({ ...condition })),
    created: created === null ? null : timestampText(created),
    updated: updated === null ? null : timestampText(updated),
  };
}

/** What the gate of an analysis came to. */
export const QualityGate = Type.Object({
  name: Type.String(),
  status: Type.String({ description: '`OK` or `ERROR`; of old SonarQube servers also `WARN`.' }),
  conditions: Type.Array(
    Type.Object({
      metric: Type.String(),
      operator: Type.String(),
      value: Type.Optional(Type.String({ description: 'Left out where there is none.' })),
      status: Type.String({ description: '`OK`, `ERROR`, or `NO_VALUE`: there was nothing to look at, which fails nothing.' }),
      errorThreshold: Type.String(),
    }),
  ),
});
