import type { Clock } from '../clock.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Actor } from '../organizations/audit.ts';
import { recordAudit } from '../organizations/audit.ts';
import type { DeletionStep } from '../organizations/deletion.ts';
import { runDeletion } from '../organizations/deletion.ts';
import type { Database } from '../storage/database/database.ts';
import type { Project } from './project.ts';
import { holdProject } from './store.ts';

export interface DeleteProjectOptions {
  readonly database: Database;
  /** What other nouns delete first. */
  readonly steps: readonly DeletionStep[];
  readonly organization: string;
  readonly project: Project;
  readonly actor: Actor;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** Deletes a project with all that is its own, tokens for it alone included. Artefacts that nothing points to any more are swept later. */
export async function deleteProject(options: DeleteProjectOptions): Promise<void> {
  const { database, steps, organization, project, actor, ids, clock } = options;
  await runDeletion({
    database,
    steps: [...steps, tokensOfProject],
    scope: { organization, project: project.id },
    hold: async (tx) => void (await holdProject({ tx, organization, project: project.id })),
    last: async (tx) => {
      const gone = await tx.deleteFrom('projects').where('organization', '=', organization).where('id', '=', project.id).executeTakeFirst();
      if (gone.numDeletedRows === 0n) return;
      await recordAudit({
        tx,
        organization,
        actor,
        action: 'project.deleted',
        subject: project.key,
        details: { name: project.name },
        ids,
        clock,
      });
    },
  });
}

const tokensOfProject: DeletionStep = {
  name: 'tokens of the project',
  async run({ tx, organization, project }) {
    await tx.deleteFrom('tokens').where('organization', '=', organization).where('project', '=', project).execute();
    // All at once: a project has a handful.
    return 0;
  },
};

/** The step by which an organization's projects go, after all that points to them. */
export const projectsOfOrganization: DeletionStep = {
  name: 'projects',
  async run({ tx, organization, project, limit }) {
    if (project !== null) return 0;
    const rows = await tx.selectFrom('projects').select('id').where('organization', '=', organization).limit(limit).execute();
    if (rows.length === 0) return 0;
    const ids = rows.map((row) => row.id);
    await tx.deleteFrom('projects').where('organization', '=', organization).where('id', 'in', ids).execute();
    return rows.length;
  },
};
