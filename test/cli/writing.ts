// A server that is busy: puts files and commits rows that name them, as intake does, until it is killed. Tells each row that is committed.
import { systemClock } from '../../src/clock.ts';
import { environmentWith, readConfiguration } from '../../src/configuration.ts';
import { createIdentifiers } from '../../src/identifiers.ts';
import { keyFingerprint, readOrMakeSecretKey } from '../../src/secret-key.ts';
import { createOrganization } from '../../src/organizations/store.ts';
import { findOrCreateProject } from '../../src/projects/store.ts';
import { createArtifactDirectory } from '../../src/storage/artifacts/directory.ts';
import { openDatabase } from '../../src/storage/database/open.ts';
import { settle } from '../../src/storage/database/settings.ts';

const configuration = readConfiguration(environmentWith('/nowhere', process.env));
const database = await openDatabase({ directory: configuration.data, url: configuration.databaseUrl ?? undefined }, 'server');
const ids = createIdentifiers();
const clock = systemClock;
const artifacts = createArtifactDirectory({ root: configuration.artifacts, clock, ids });
const key = configuration.secretKey ?? readOrMakeSecretKey(configuration.data);
await settle({ database, name: 'secret_key_fingerprint', value: keyFingerprint(key) });
await settle({ database, name: 'artifacts_identity', value: await artifacts.identity() });
const common = { actor: 'system', ids, clock } as const;
const { organization } = await database.write((tx) => createOrganization({ tx, name: 'Busy', ...common }));
const project = await database.write((tx) =>
  findOrCreateProject({ tx, organization: organization.id, key: 'busy', onlyProject: null, ...common }),
);

async function* bytes(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text.repeat(500));
}

for (let number = 1; ; number += 1) {
  const { sha256, bytes: size } = await artifacts.put(organization.id, bytes(`analysis ${number} `), { level: 6, bytesMax: 1e9 });
  const now = clock.now();
  const row = {
    id: ids.next(),
    organization: organization.id,
    project: project.id,
    branch: '',
    version: String(number),
    revision: null,
    date_given: null,
    date_text: '',
    date: now,
    properties: '{}',
    body_sha256: sha256,
    body_bytes: size,
    status: 'pending',
    error_code: null,
    error_message: null,
    error_place: null,
    lease_token: null,
    lease_until: null,
    facts: null,
    findings_sha256: null,
    created: now,
    finished: null,
  } as const;
  await database.write((tx) =>
    tx
      .insertInto('analyses')
      .values({ ...row, due: now })
      .execute(),
  );
  process.stdout.write(`${number}\n`);
}
