// Child of the git bench: `ours DIRECTORY` is the whole server, with a token left in the directory; `bare DIRECTORY` takes pushes over the same HTTP and
// hands them to git as they come, without any record.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildApp } from '../../src/app.ts';
import { systemClock } from '../../src/clock.ts';
import { readConfiguration } from '../../src/configuration.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import { insertRepository } from '../../src/repositories/store.ts';
import { startGitHost } from '../../test/git-host.ts';
import { serveBench } from '../load/process.ts';
import { repositoryNames } from './place.ts';

const [, , kind, directory = ''] = process.argv;
serveBench(Number(new URL(kind === 'ours' ? await ours() : await bare()).port));

async function ours(): Promise<string> {
  const app = await buildApp(
    readConfiguration({
      GATEPOST_DATA: directory,
      GATEPOST_PORT: '0',
      GATEPOST_LOG: 'warn',
      GATEPOST_WEBHOOKS_ALLOW: '127.0.0.0/8',
    }),
  );
  const ids = createIdentifiers();
  const made = await app.database.write((tx) => createOrganization({ tx, name: 'acme', actor: 'cli', ids, clock: systemClock }));
  writeFileSync(join(directory, 'token'), made.token.token);
  return app.start();
}

async function bare(): Promise<string> {
  const host = await startGitHost({ after: () => undefined }, { asksGit: true });
  const { database, git, repository } = host;
  for (const name of repositoryNames) {
    const common = { actor: 'cli', ids: createIdentifiers(), clock: systemClock } as const;
    await insertRepository({ database, git, organization: repository.organization, name, ...common });
  }
  writeFileSync(join(directory, 'token'), 'write');
  return host.url;
}
