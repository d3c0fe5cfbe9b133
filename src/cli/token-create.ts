import { systemClock } from '../clock.ts';
import { notFound } from '../errors.ts';
import type { Scope } from '../http/caller.ts';
import { scopes as everyScope } from '../http/caller.ts';
import { createIdentifiers } from '../identifiers.ts';
import { findOrganizationBySlug } from '../organizations/store.ts';
import { createToken } from '../organizations/tokens.ts';
import { findOrCreateProject } from '../projects/store.ts';
import type { Call, Command, Outcome } from './command.ts';
import { usageError } from './command.ts';
import { findPlace, withDatabase } from './place.ts';

export const command: Command = {
  name: 'token create',
  summary: 'Makes a token with the scopes named and no others. It is shown this once; only its hash is kept.',
  options: {
    organization: { type: 'string', value: 'SLUG', help: "the organization's slug" },
    scopes: { type: 'string', value: 'LIST', help: `with commas between: ${everyScope.join(',')}` },
    project: { type: 'string', value: 'KEY', help: 'for this project alone; one that is not there yet is made' },
    email: { type: 'string', value: 'ADDRESS', help: 'of whoever uses it: the login that their pushes are shown under' },
    name: { type: 'string', value: 'NAME', help: 'what to recognise it by; else "Command line"' },
  },
  run,
};

async function run(call: Call): Promise<Outcome> {
  const slug = call.required('organization');
  const scopes = call.required('scopes').split(',').map(checkedScope);
  const key = call.text('project');
  const { location } = findPlace(call.environment);
  const common = { actor: 'cli', ids: createIdentifiers(), clock: systemClock } as const;
  const token = await withDatabase(location, async (database) => {
    const found = await findOrganizationBySlug({ read: database.read, slug });
    if (found === null) throw notFound('organization_unknown', `There is no organization "${slug}".`);
    return database.write(async (tx) => {
      const where = { tx, organization: found.id, ...common };
      const project = key === undefined ? null : await findOrCreateProject({ ...where, key, onlyProject: null });
      return createToken({
        ...where,
        name: call.text('name') ?? 'Command line',
        scopes,
        project: project?.id ?? null,
        email: call.text('email') ?? null,
      });
    });
  });
  const text = `${token.token}\nScopes: ${token.scopes.join(', ')}. It is shown this once.`;
  return { json: { token: { id: token.id, token: token.token, scopes: token.scopes } }, text };
}

function checkedScope(text: string): Scope {
  const scope = everyScope.find((one) => one === text.trim());
  if (scope === undefined) throw usageError(`"${text}" is no scope. There are: ${everyScope.join(', ')}.`);
  return scope;
}
