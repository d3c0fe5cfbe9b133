import { recordOnPostgres } from './units-postgres-record.ts';
import { turnOnPostgres } from './units-postgres-turn.ts';
import type { HotUnit } from '../../storage/database/hot.ts';
import type { RecordInput, Recorded, TurnInput, TurnOutput } from './unit-rows.ts';

// The two hot units of work, on both databases: what a delivery costs is mostly them. Everything else goes through Kysely.

const moduleOf = (unit: string) => new URL(`./units-sqlite-${unit}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);

/** Records events with their deliveries: whoever wants one when it happens has a delivery with the same commit. */
export const recordUnit: HotUnit<RecordInput, Recorded> = {
  sqlite: { module: moduleOf('record'), name: 'record' },
  postgres: recordOnPostgres,
};

/** Writes outcomes down by compare-and-set, gives back what will not be sent now, and claims what is ready: one commit for all three. */
export const turnUnit: HotUnit<TurnInput, TurnOutput> = {
  sqlite: { module: moduleOf('turn'), name: 'turn' },
  postgres: turnOnPostgres,
};
