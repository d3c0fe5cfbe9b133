import type { Database } from '../../src/storage/database/database.ts';
import type { Project } from '../../src/projects/project.ts';
import { findProject } from '../../src/projects/store.ts';

export async function projectOfKey({ read }: Database, organization: string, key: string): Promise<Project> {
  const project = await findProject({ read, organization, key });
  if (project === null) throw new Error(`There is no project ${key}.`);
  return project;
}
