import type { Clock } from '../../clock.ts';
import { timestampText } from '../../clock.ts';
import { GatepostError } from '../../errors.ts';
import type { AnalysisCompletedFacts } from '../../events/event.ts';
import type { FirstRow, OnRecorded, RecordAlone } from '../../events/record.ts';
import { sha256Hex } from '../../hmac.ts';
import type { Identifiers } from '../../identifiers.ts';
import { nameCharactersMax } from '../../organizations/organization.ts';
import { findOrCreateProject } from '../../projects/store.ts';
import type { Database } from '../../storage/database/database.ts';
import { aheadMsMax } from '../analysis.ts';
import type { Payload } from './payload.ts';
import { unknownSource } from './source-store.ts';
import { createUntold } from './untold.ts';

/** Projects held ready: which row a source's project key is. */
export const projectsHeldMax = 50_000;

export interface IntakeOptions {
  readonly database: Database;
  readonly record: RecordAlone;
  /** What runs within the unit that records an event. */
  readonly onRecorded: OnRecorded;
  /** An event was recorded in such a unit: its deliveries are in the database. */
  readonly recorded: () => void;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** What came, verified and read. */
export interface Arrived {
  readonly organization: string;
  /** The organization's. */
  readonly slug: string;
  readonly source: string;
  readonly payload: Payload;
  readonly bytes: Buffer;
  /** The base of links to this server. */
  readonly publicUrl: string;
}

export interface Taken {
  readonly analysis: string;
  /** False where the same task, or the same bytes without one, came before; or where it was found and told of before its webhook came. */
  readonly isNew: boolean;
}

export interface Intake {
  /** Answers once the analysis, its event and the deliveries of that are on disk. Fails with `unknown_source` where the organization is gone. */
  take(arrived: Arrived): Promise<Taken>;
}

/** What tells an analysis from all others of its source: its task; where no task brought it, the very bytes that told of it. */
export function sourceKeyOf(payload: Pick<Payload, 'task'>, bytes: Uint8Array): string {
  return payload.task === null ? `edit:${sha256Hex(bytes)}` : `task:${payload.task}`;
}

export function createIntake(options: IntakeOptions): Intake {
  const { database, record, ids, clock } = options;
  const untold = createUntold(options);
  const projects = createProjects({ database, ids, clock });
  const known = database.prepare('select id from analyses where source = ? and source_key = ?');
  return {
    async take(arrived) {
      const { organization, source, payload, bytes } = arrived;
      const project = await projects.find(arrived);
      const sourceKey = sourceKeyOf(payload, bytes);
      const now = clock.now();
      const told = { organization, source, project, sourceKey, payload, bytes, facts: (id: string) => factsOf(arrived, { id, now }) };
      const found = await untold.find(told);
      const isTold = found === null ? null : await untold.put(found, told);
      if (found !== null && isTold !== null) return { analysis: found, isNew: isTold };
      const id = ids.next();
      const facts = told.facts(id);
      const values = rowOf(arrived, { id, project, sourceKey, now });
      const event = await record({ organization, kind: 'analysis.completed', project, facts }, { table: 'analyses', values });
      if (event === null) {
        const [before] = await known.column([source, sourceKey]);
        return { analysis: typeof before === 'string' ? before : '', isNew: false };
      }
      if (!(await projects.stands(organization, project))) await projects.move(arrived, { analysis: id, event, gone: project });
      return { analysis: id, isNew: true };
    },
  };
}

interface Made {
  readonly analysis: string;
  readonly event: string;
  /** The project that went meanwhile. */
  readonly gone: string;
}

/**
 * The projects that keys stand for. One that was held may have been deleted since: its analysis is then in the database without it, which is
 * looked for after each commit, and mended before anybody is told that the analysis is there.
 */
function createProjects({ database, ids, clock }: Pick<IntakeOptions, 'database' | 'ids' | 'clock'>) {
  const held = new Map<string, string>();
  const stands = database.prepare('select 1 from projects where organization = ? and id = ?');
  const asking = new Map<string, Promise<boolean>>();
  const nameOf = ({ organization, payload }: Arrived): string => `${organization} ${payload.project.key}`;
  const make = (arrived: Arrived, made: Made | null): Promise<string> =>
    database
      .write(async (tx) => {
        const { organization, payload } = arrived;
        const name = shownName(payload.project);
        const given = { tx, organization, key: payload.project.key, name, onlyProject: null, actor: 'system' as const, ids, clock };
        const project = await findOrCreateProject(given);
        if (made === null) return project.id;
        const moved = { project: project.id };
        const { analysis, event } = made;
        await tx.updateTable('analyses').set(moved).where('organization', '=', organization).where('id', '=', analysis).execute();
        await tx.updateTable('events').set(moved).where('organization', '=', organization).where('id', '=', event).execute();
        return project.id;
      })
      .catch(async (error: unknown) => {
        if (!(error instanceof GatepostError && error.code === 'unknown_project')) throw error;
        // What says so is that the organization is no more; its sources went with it, and so does what came after its end.
        if (made !== null) await remove(database, arrived.organization, made);
        throw unknownSource();
      });
  const remember = (name: string, project: string): string => {
    if (held.size >= projectsHeldMax) held.delete(held.keys().next().value ?? '');
    held.set(name, project);
    return project;
  };
  return {
    async find(arrived: Arrived): Promise<string> {
      const name = nameOf(arrived);
      return held.get(name) ?? remember(name, await make(arrived, null));
    },
    /** Asked by all whose analyses came with one commit, it is looked up once: before whoever comes with a later one can ask. */
    stands(organization: string, project: string): Promise<boolean> {
      const asked = asking.get(project);
      if (asked !== undefined) return asked;
      const answer = stands.column([organization, project]).then((found) => found.length > 0);
      asking.set(project, answer);
      // After those that were answered together with this one, which wait in the same queue.
      queueMicrotask(() => asking.delete(project));
      return answer;
    },
    async move(arrived: Arrived, made: Made): Promise<void> {
      const name = nameOf(arrived);
      if (held.get(name) === made.gone) held.delete(name);
      remember(name, await make(arrived, made));
    },
  };
}

/** Nothing was promised for them: the organization's webhooks are gone. */
async function remove(database: Database, organization: string, { analysis, event }: Made): Promise<void> {
  await database.write(async (tx) => {
    await tx.deleteFrom('analyses').where('organization', '=', organization).where('id', '=', analysis).execute();
    await tx.deleteFrom('events').where('organization', '=', organization).where('id', '=', event).execute();
  });
}

/** A project's name as ours may be; its key where nothing of it can be shown. */
export function shownName({ key, name }: Payload['project']): string {
  const plain = name
    .replaceAll(/[\p{Cc}\p{Cs}]/gu, ' ')
    .trim()
    .normalize('NFC');
  // The cut may go through a character of two code units.
  const shown = plain
    .slice(0, nameCharactersMax)
    .replace(/\p{Cs}$/u, '')
    .trim();
  return shown || key.slice(0, nameCharactersMax);
}

interface Numbered {
  readonly id: string;
  readonly now: number;
}

function factsOf({ slug, payload, publicUrl }: Arrived, { id, now }: Numbered): AnalysisCompletedFacts {
  const { analysedAt, changedAt } = payload;
  return {
    organization: slug,
    analysis: id,
    origin: 'sonarqube',
    serverUrl: publicUrl,
    task: payload.task,
    status: payload.status,
    analysedAt: analysedAt?.given ?? null,
    changedAt: changedAt?.given ?? analysedAt?.given ?? timestampText(now),
    revision: payload.revision,
    project: payload.project,
    branch: payload.branch,
    gate: payload.gate,
    properties: payload.properties,
    relayed: payload.text,
  };
}

/** What a task that failed over there is here, at once: nothing can be fetched of it. */
const failed = {
  status: 'failed',
  error_code: 'source_analysis_failed',
  error_message: 'SonarQube could not finish this analysis: its background task failed there.',
} as const;

interface RowOptions extends Numbered {
  readonly project: string;
  readonly sourceKey: string;
}

function rowOf(arrived: Arrived, { id, project, sourceKey, now }: RowOptions): FirstRow['values'] {
  const { organization, source, payload, bytes } = arrived;
  const time = timeOf(payload, now);
  return {
    id,
    organization,
    project,
    branch: payload.branch?.name ?? '',
    branch_type: payload.branch?.type ?? 'BRANCH',
    version: '',
    revision: payload.revision,
    date_given: time?.text ?? null,
    date_text: time?.text ?? timestampText(now),
    date: time?.ms ?? now,
    properties: JSON.stringify(payload.properties),
    body_sha256: '',
    body_bytes: 0,
    kind: 'sonarqube',
    stage: 'fetch',
    source,
    source_key: sourceKey,
    source_task: payload.task,
    payload: bytes,
    gate: payload.gate === null ? null : JSON.stringify(payload.gate),
    created: now,
    ...(payload.status === 'FAILED'
      ? { ...failed, finished: now }
      : { status: 'pending', error_code: null, error_message: null, finished: null }),
  };
}

/** When what is told came to be: the analysis, or the edit that came after it. One that is dated far ahead would hide all that follow it. */
function timeOf({ task, analysedAt, changedAt }: Payload, now: number) {
  const time = task === null ? (changedAt ?? analysedAt) : (analysedAt ?? changedAt);
  return time !== null && time.ms <= now + aheadMsMax ? time : null;
}
