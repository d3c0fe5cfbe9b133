import { systemClock } from '../../clock.ts';
import { createArtifactDirectory } from '../../storage/artifacts/directory.ts';
import type { Reader } from '../../storage/database/database.ts';
import type { Call } from '../command.ts';
import { createProgress } from '../progress.ts';
import { namedFiles } from '../stored-files.ts';
import type { Check } from './check.ts';
import { failed, ok } from './check.ts';

const namedMax = 20;

export interface FilesOptions {
  readonly read: Reader;
  readonly root: string;
  /** Read every byte, too. */
  readonly deep: boolean;
  readonly screen: Call['screen'];
}

/** Every file that the database names is there; where asked, every stored file is what its name says. */
export async function checkFiles({ read, root, deep, screen }: FilesOptions): Promise<readonly Check[]> {
  const store = createArtifactDirectory({ root, clock: systemClock });
  let named = 0;
  const missing: string[] = [];
  for await (const { organization, sha256 } of namedFiles(read)) {
    named += 1;
    if ((await store.head(organization, sha256)) === null) missing.push(`${organization}/${sha256}`);
  }
  const remedy = 'Restore them from a backup, or delete the report and send its scan again.';
  const there =
    missing.length === 0
      ? ok('stored files', `${named} named, all there`)
      : failed('stored files', `missing or damaged: ${some(missing)}`, remedy);
  return deep ? [there, await verifyAll({ store, screen, remedy })] : [there];
}

async function verifyAll(options: {
  store: ReturnType<typeof createArtifactDirectory>;
  screen: Call['screen'];
  remedy: string;
}): Promise<Check> {
  const { store, screen, remedy } = options;
  const progress = createProgress({ screen, label: 'reading stored files', bytes: null });
  const damaged: string[] = [];
  let files = 0;
  for await (const { organization, sha256 } of store.list()) {
    files += 1;
    const facts = await store.head(organization, sha256);
    if ((await store.verify(organization, sha256)) === 'damaged') damaged.push(`${organization}/${sha256}`);
    progress.add(facts?.storedBytes ?? 0);
  }
  progress.end();
  if (damaged.length === 0) return ok('hashes', `${files} files read, every hash is right`);
  return failed('hashes', `damaged: ${some(damaged)}`, remedy);
}

function some(names: readonly string[]): string {
  const rest = names.length - namedMax;
  return `${names.slice(0, namedMax).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
