import type { Clock } from '../../clock.ts';
import type { AnalysisCompletedFacts } from '../../events/event.ts';
import type { OnRecorded } from '../../events/record.ts';
import { recordEvent } from '../../events/record.ts';
import type { Identifiers } from '../../identifiers.ts';
import { holdProject } from '../../projects/store.ts';
import type { Database } from '../../storage/database/database.ts';
import { isUniqueViolation } from '../../storage/database/failures.ts';
import type { Payload } from './payload.ts';

// An analysis that a look at its source found, where the token may not see tasks: nothing but its branch and the second it was analysed at tells
// that a webhook is about it.

export interface UntoldOptions {
  readonly database: Database;
  readonly ids: Identifiers;
  readonly clock: Clock;
  readonly onRecorded: OnRecorded;
  /** An event was recorded: its deliveries are in the database. */
  readonly recorded: () => void;
}

/** A webhook that came, and what it would be as an analysis of its own. */
export interface Told {
  readonly organization: string;
  readonly source: string;
  readonly project: string;
  readonly sourceKey: string;
  readonly payload: Payload;
  readonly bytes: Buffer;
  /** What is told of the analysis that it is. */
  readonly facts: (analysis: string) => AnalysisCompletedFacts;
}

export interface Untold {
  /** The analysis that this webhook is about, found without it; null where there is none. */
  find(told: Told): Promise<string | null>;
  /**
   * Makes the webhook that analysis's: its task and its bytes are put to it, and what it says is told, where that has not been told yet. Answers
   * whether it was told now; null where there is no such analysis any more.
   */
  put(analysis: string, told: Told): Promise<boolean | null>;
}

export function createUntold({ database, ids, clock, onRecorded, recorded }: UntoldOptions): Untold {
  const isUntold = `kind = 'sonarqube' and payload is null and source_task is null`;
  const any = database.prepare(`select 1 from analyses where organization = ? and source = ? and ${isUntold} limit 1`);
  const untold = database.prepare(
    `select id from analyses where source = ? and project = ? and branch = ? and date = ? and organization = ? and ${isUntold} limit 1`,
  );
  const asking = new Map<string, Promise<boolean>>();
  /** Most sources have none: looked up once for all webhooks that came in one turn of the loop. */
  const hasAny = (organization: string, source: string): Promise<boolean> => {
    const asked = asking.get(source);
    if (asked !== undefined) return asked;
    const answer = any.column([organization, source]).then((found) => found.length > 0);
    asking.set(source, answer);
    setImmediate(() => asking.delete(source));
    return answer;
  };
  return {
    async find({ organization, source, project, payload: { task, status, analysedAt, branch } }) {
      if (task === null || status === 'FAILED' || analysedAt === null || branch?.type === 'PULL_REQUEST') return null;
      if (!(await hasAny(organization, source))) return null;
      const [found] = await untold.column([source, project, branch?.name ?? '', analysedAt.ms, organization]);
      return typeof found === 'string' ? found : null;
    },
    async put(analysis, told) {
      const { organization, project, payload } = told;
      const unit = database.write(async (tx) => {
        // The end of its fetching, which tells of it where no webhook did, waits for this or is over.
        if (!(await holdProject({ tx, organization, project }))) return null;
        const row = await tx
          .updateTable('analyses')
          .set({
            source_key: told.sourceKey,
            source_task: payload.task,
            payload: told.bytes,
            properties: JSON.stringify(payload.properties),
          })
          .where('organization', '=', organization)
          .where('id', '=', analysis)
          .where('payload', 'is', null)
          .where('source_task', 'is', null)
          .returning('stage')
          .executeTakeFirst();
        if (row === undefined) return null;
        if (row.stage !== 'fetch') return false;
        const gate = payload.gate === null ? null : JSON.stringify(payload.gate);
        await tx.updateTable('analyses').set({ gate }).where('organization', '=', organization).where('id', '=', analysis).execute();
        const facts = told.facts(analysis);
        await recordEvent({ tx, organization, kind: 'analysis.completed', project, facts, ids, clock, onRecorded });
        return true;
      });
      const isTold = await unit.catch((error: unknown) => {
        // The same task came before: that one is it.
        if (isUniqueViolation(error)) return null;
        throw error;
      });
      if (isTold === true) recorded();
      return isTold;
    },
  };
}
