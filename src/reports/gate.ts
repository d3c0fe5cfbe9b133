import { gateOfProject } from '../analyses/gates/store.ts';
import type { Analysis } from '../analyses/store.ts';
import type { GateFacts } from '../events/event.ts';
import type { Project } from '../projects/project.ts';
import type { Reader } from '../storage/database/database.ts';
import type { GateJob } from './make/job.ts';
import { parseVersion } from './version.ts';

/** Ways of writing one version (`1.0`, `v1.0.0`, ...) that are looked through for another version. */
const spellingsMax = 20;

interface Options {
  readonly read: Reader;
  readonly analysis: Analysis;
  readonly project: Project;
  /** The branch has a newer analysis already. */
  readonly late: boolean;
}

/** The gate of the server that an analysis comes from, as it came out there; null where there is none, and where a gate of ours is asked. */
export function broughtGate({ kind, gate }: Pick<Analysis, 'kind' | 'gate'>): GateFacts | null {
  // What a gate of ours came to before a crash or another try is made anew.
  return kind === 'sarif' || gate === null ? null : (JSON.parse(gate) as GateFacts);
}

/** What an analysis is held against; null where it brings the gate of the server it comes from. */
export async function gateJobOf({ read, analysis, project, late }: Options): Promise<GateJob | null> {
  if (analysis.kind !== 'sarif') return null;
  const { name, conditions } = await gateOfProject({ read, organization: analysis.organization, chosen: project.gate });
  return { name, conditions, newSince: late ? null : await newSince(read, analysis) };
}

/**
 * Since which analysis of the branch something is new: the first one after the newest of another version, so that what a version brought stays new
 * however often it is analysed. Where there is no other version, the first after the branch's oldest. Null: there is nothing to compare with.
 */
async function newSince(read: Reader, analysis: Analysis): Promise<string | null> {
  const previous =
    (await newestOfOtherVersion(read, analysis)) ?? (await ended(read, analysis).orderBy('date').orderBy('id').executeTakeFirst());
  if (previous === undefined) return null;
  const next = await ended(read, analysis)
    .where((row) => row.or([row('date', '>', previous.date), row.and([row('date', '=', previous.date), row('id', '>', previous.id)])]))
    // The one that came first of them, whatever its date: ids tell when findings changed on the branch.
    .orderBy('id')
    .executeTakeFirst();
  return next === undefined || next.id > analysis.id ? analysis.id : next.id;
}

async function newestOfOtherVersion(read: Reader, analysis: Analysis) {
  const { normal } = parseVersion(analysis.version);
  const spellings = [analysis.version];
  while (spellings.length <= spellingsMax) {
    const found = await ended(read, analysis)
      .where('version', 'not in', spellings)
      .orderBy('date', 'desc')
      .orderBy('id', 'desc')
      .executeTakeFirst();
    if (found === undefined || parseVersion(found.version).normal !== normal) return found;
    spellings.push(found.version);
  }
  return undefined;
}

/** The branch's other analyses that came to reports. */
function ended(read: Reader, { organization, project, branch, id }: Analysis) {
  return read
    .selectFrom('analyses')
    .select(['id', 'date', 'version'])
    .where('organization', '=', organization)
    .where('project', '=', project)
    .where('branch', '=', branch)
    .where('status', '=', 'done')
    .where('id', '!=', id)
    .limit(1);
}
