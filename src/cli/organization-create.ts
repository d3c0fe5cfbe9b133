import { systemClock } from '../clock.ts';
import { createIdentifiers } from '../identifiers.ts';
import { createOrganization } from '../organizations/store.ts';
import type { Call, Command, Outcome } from './command.ts';
import { findPlace, withDatabase } from './place.ts';

export const command: Command = {
  name: 'organization create',
  summary:
    'Makes an organization and its first token, which has every scope. Works on the data directory (or DATABASE_URL), beside a running server too.',
  options: { name: { type: 'string', value: 'N', help: 'what people call it' } },
  run,
};

async function run(call: Call): Promise<Outcome> {
  const name = call.required('name');
  const { location } = findPlace(call.environment);
  const ids = createIdentifiers();
  const made = await withDatabase(location, (database) =>
    database.write((tx) => createOrganization({ tx, name, actor: 'cli', ids, clock: systemClock })),
  );
  const { organization, token } = made;
  const text = [
    `Organization  ${organization.name} (${organization.slug})`,
    `Its id        ${organization.id}`,
    `Its token     ${token.token}`,
    'The token has every scope and is shown this once. The id is what report readers must know.',
  ].join('\n');
  const json = {
    organization: { id: organization.id, slug: organization.slug, name: organization.name },
    token: { id: token.id, token: token.token },
  };
  return { json, text };
}
