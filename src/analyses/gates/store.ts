import type { Selectable } from 'kysely';
import type { Clock } from '../../clock.ts';
import { conflict, invalid, notFound } from '../../errors.ts';
import type { Identifiers } from '../../identifiers.ts';
import type { Actor } from '../../organizations/audit.ts';
import { recordAudit } from '../../organizations/audit.ts';
import type { DeletionStep } from '../../organizations/deletion.ts';
import { holdOrganization } from '../../organizations/store.ts';
import type { Reader, Tx } from '../../storage/database/database.ts';
import type { GatesTable } from '../../storage/database/schema.ts';
import type { Condition, Gate } from './gate.ts';
import { builtInGate, builtInGateId, gatesOfOrganizationMax } from './gate.ts';

interface Where {
  readonly read: Reader;
  readonly organization: string;
}

function gateOf(row: Selectable<GatesTable>): Gate {
  const { id, name, conditions, is_default: isDefault, created, updated } = row;
  return { id, name, conditions: JSON.parse(conditions) as Condition[], isDefault: isDefault === 1, created, updated };
}

/** All of an organization's, oldest first, behind the one that is always there. There are few: `gatesOfOrganizationMax`. */
export async function listGates({ read, organization }: Where): Promise<readonly Gate[]> {
  const rows = await read.selectFrom('gates').selectAll().where('organization', '=', organization).orderBy('id').execute();
  const own = rows.map(gateOf);
  return [{ ...builtInGate, isDefault: !own.some((gate) => gate.isDefault) }, ...own];
}

export function unknownGate(): Error {
  return notFound('unknown_gate', 'There is no quality gate with this id.');
}

/** Fails with `unknown_gate`. */
export async function readGate({ read, organization, id }: Where & { readonly id: string }): Promise<Gate> {
  const gate = (await listGates({ read, organization })).find((each) => each.id === id);
  if (gate === undefined) throw unknownGate();
  return gate;
}

/** What a project's analyses are held against: the gate it chose, else the organization's default, else the one that is always there. */
export async function gateOfProject({ read, organization, chosen }: Where & { readonly chosen: string | null }): Promise<Gate> {
  const gates = await listGates({ read, organization });
  return gates.find((gate) => gate.id === chosen) ?? gates.find((gate) => gate.isDefault) ?? builtInGate;
}

/**
 * Fails with `unknown_gate` where a project cannot choose it. Its row is held until the unit ends, so that a deletion at the same time either sees
 * the project that chose it or is over before.
 */
export async function assertGateThere({
  tx,
  organization,
  gate,
}: {
  readonly tx: Tx;
  readonly organization: string;
  readonly gate: string;
}) {
  if (gate === builtInGateId) return;
  const held = await tx
    .updateTable('gates')
    .set((row) => ({ name: row.ref('name') }))
    .where('organization', '=', organization)
    .where('id', '=', gate)
    .executeTakeFirst();
  if (held.numUpdatedRows === 0n) throw invalid('unknown_gate', 'There is no quality gate with this id.', { field: 'gate' });
}

interface Change {
  readonly tx: Tx;
  readonly organization: string;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

export interface NewGate {
  readonly name: string;
  readonly conditions: readonly Condition[];
  readonly isDefault: boolean;
}

/** Fails with `too_many_gates`, `gate_name_taken`. Where it is to be the default, no other is from then on. */
export async function insertGate(options: Change & { readonly gate: NewGate }): Promise<Gate> {
  const { tx, organization, gate, ids, clock } = options;
  // Two who make one at the same time do so one after the other: counts and names are right.
  if (!(await holdOrganization({ tx, organization }))) throw unknownGate();
  const gates = await listGates({ read: tx, organization });
  if (gates.length > gatesOfOrganizationMax) {
    throw conflict('too_many_gates', `An organization has at most ${gatesOfOrganizationMax} quality gates.`, {
      max: gatesOfOrganizationMax,
    });
  }
  assertNameFree(gates, gate.name, null);
  if (gate.isDefault) await clearDefault(options);
  const now = clock.now();
  const row = {
    id: ids.next(),
    organization,
    name: gate.name,
    conditions: JSON.stringify(gate.conditions),
    is_default: gate.isDefault ? 1 : 0,
    created: now,
    updated: now,
  };
  await tx.insertInto('gates').values(row).execute();
  await audit(options, { action: 'gate.created', subject: gate.name, details: { id: row.id, ...gate } });
  return gateOf(row);
}

function assertNameFree(gates: readonly Gate[], name: string, except: string | null): void {
  if (gates.some((gate) => gate.name === name && gate.id !== except)) {
    throw conflict('gate_name_taken', 'Another quality gate has this name.', { field: 'name' });
  }
}

async function clearDefault({ tx, organization }: Change): Promise<void> {
  await tx.updateTable('gates').set({ is_default: 0 }).where('organization', '=', organization).where('is_default', '=', 1).execute();
}

/** Changes what is named. Fails with `unknown_gate`, `gate_built_in`, `gate_name_taken`. Without a default of its own an organization goes by the built-in one. */
export async function updateGate(options: Change & { readonly id: string; readonly change: Partial<NewGate> }): Promise<Gate> {
  const { tx, organization, id, change, clock } = options;
  if (!(await holdOrganization({ tx, organization }))) throw unknownGate();
  const gates = await listGates({ read: tx, organization });
  const before = own(gates, id);
  if (change.name !== undefined) assertNameFree(gates, change.name, id);
  if (change.isDefault === true && !before.isDefault) await clearDefault(options);
  const { name = before.name, conditions = before.conditions, isDefault = before.isDefault } = change;
  const updated = clock.now();
  await tx
    .updateTable('gates')
    .set({ name, conditions: JSON.stringify(conditions), is_default: isDefault ? 1 : 0, updated })
    .where('organization', '=', organization)
    .where('id', '=', id)
    .execute();
  await audit(options, { action: 'gate.changed', subject: before.name, details: { id, ...change } });
  return { ...before, name, conditions, isDefault, updated };
}

/** Fails with `unknown_gate`, `gate_built_in`. Projects that had chosen it go by the default from now on. */
export async function deleteGate(options: Change & { readonly id: string }): Promise<void> {
  const { tx, organization, id } = options;
  if (!(await holdOrganization({ tx, organization }))) throw unknownGate();
  const gate = own(await listGates({ read: tx, organization }), id);
  await tx.deleteFrom('gates').where('organization', '=', organization).where('id', '=', id).execute();
  const freed = await tx
    .updateTable('projects')
    .set({ gate: null })
    .where('organization', '=', organization)
    .where('gate', '=', id)
    .executeTakeFirst();
  const details = { id, wasDefault: gate.isDefault, projects: Number(freed.numUpdatedRows) };
  await audit(options, { action: 'gate.deleted', subject: gate.name, details });
}

function own(gates: readonly Gate[], id: string): Gate {
  const gate = gates.find((each) => each.id === id);
  if (gate === undefined) throw unknownGate();
  if (id === builtInGateId) throw conflict('gate_built_in', 'The built-in quality gate cannot be changed. Make one of your own.');
  return gate;
}

function audit(
  { tx, organization, actor, ids, clock }: Change,
  entry: { readonly action: string; readonly subject: string; readonly details: Readonly<Record<string, unknown>> },
): Promise<void> {
  return recordAudit({ tx, organization, actor, ids, clock, ...entry });
}

/** The step by which an organization's gates go. */
export const gateDeletionSteps: readonly DeletionStep[] = [
  {
    name: 'gates',
    async run({ tx, organization, project }) {
      // All at once: there are few.
      if (project === null) await tx.deleteFrom('gates').where('organization', '=', organization).execute();
      return 0;
    },
  },
];
