import { GatepostError } from '../errors.ts';
import type { Caller } from '../http/caller.ts';
import type { Project } from '../projects/project.ts';
import { findProject } from '../projects/store.ts';
import { cancelPending } from '../webhooks/delivery/upkeep.ts';
import { sonarqubeDialect } from '../webhooks/dialects/sonarqube.ts';
import { updateWebhook } from '../webhooks/subscriptions/change.ts';
import type { DialectWebhook } from '../webhooks/subscriptions/of-dialect.ts';
import { findWebhookOfDialect, webhooksOfDialect } from '../webhooks/subscriptions/of-dialect.ts';
import { deleteWebhook, insertWebhook } from '../webhooks/subscriptions/store.ts';
import type { Actions, Answered, Call, SonarqubeApiDeps } from './action.ts';
import { latestDeliveries } from './attempts.ts';
import { requireAdminister } from './login.ts';
import { maskedUrl, reachableUrl, updatedUrl } from './url.ts';
import { refused } from './words.ts';

// SonarQube's limits on a webhook (its contract, section 4).
const nameCharactersMax = 100;
const urlCharactersMax = 512;
const projectKeyCharactersMax = 400;
const webhookKeyCharactersMax = 40;
const secretCharactersMin = 16;
const secretCharactersMax = 200;

export const dialect = sonarqubeDialect.name;

/** `api/webhooks/{create,list,update,delete}` over the store of `/v1/webhooks`: those of this dialect alone are seen, counted and changed. */
export function webhookActions(deps: SonarqubeApiDeps): Actions {
  return {
    'webhooks/create': { method: 'POST', run: (call) => create(deps, call) },
    'webhooks/list': { method: 'GET', run: (call) => list(deps, call) },
    'webhooks/update': { method: 'POST', run: (call) => update(deps, call) },
    'webhooks/delete': { method: 'POST', run: (call) => remove(deps, call) },
  };
}

/** The project of this key; null for no key. Fails with SonarQube's 404. */
export async function projectNamed(deps: SonarqubeApiDeps, { organization }: Caller, key: string | undefined): Promise<Project | null> {
  if (key === undefined) return null;
  const project = await findProject({ read: deps.database.read, organization, key });
  if (project === null) throw refused.projectNotFound(key);
  return project;
}

async function create(deps: SonarqubeApiDeps, { caller, parameters }: Call): Promise<Answered> {
  const name = parameters.required('name', { max: nameCharactersMax });
  const urlText = parameters.required('url', { max: urlCharactersMax });
  const key = parameters.filled('project', { max: projectKeyCharactersMax });
  const secret = parameters.optional('secret', { min: secretCharactersMin, max: secretCharactersMax });
  const project = await projectNamed(deps, caller, key);
  requireAdminister(caller, project?.id ?? null);
  // Over there blanks alone are taken, and then nothing can be signed with what is left of them.
  if (secret === '') throw refused.secretLength();
  const url = await reachableUrl(deps.guard, urlText);
  const { database, sealer, ids, clock, webhooksMax: dialectMax } = deps;
  const given = { organization: caller.organization, project, name, url, urlText, secret: secret ?? null, dialect, dialectMax };
  const actor = `token:${caller.token}` as const;
  const webhook = await database
    .write((tx) => insertWebhook({ ...given, tx, events: sonarqubeDialect.events, sealer, ids, clock, actor }))
    .catch((error: unknown) => {
      if (!(error instanceof GatepostError && error.code === 'too_many_webhooks')) throw error;
      throw project === null ? refused.tooManyGlobal() : refused.tooManyOfProject(project.key);
    });
  return { webhook: { key: webhook.id, name, url: urlText, hasSecret: webhook.hasSecret } };
}

async function list(deps: SonarqubeApiDeps, { caller, parameters }: Call): Promise<Answered> {
  const { database, sealer } = deps;
  const project = await projectNamed(deps, caller, parameters.filled('project'));
  requireAdminister(caller, project?.id ?? null);
  const { organization } = caller;
  const webhooks = await webhooksOfDialect({ read: database.read, sealer, organization, dialect, project: project?.id ?? null });
  const latest = await latestDeliveries(
    database.read,
    organization,
    webhooks.map(({ id }) => id),
  );
  const shown = [...webhooks].sort(byName).map(({ id, name, url, hasSecret }) => {
    const latestDelivery = latest.get(id);
    return { key: id, name, url: maskedUrl(url), ...(latestDelivery === undefined ? {} : { latestDelivery }), hasSecret };
  });
  return { webhooks: shown };
}

/** Byte by byte, as SonarQube orders them; of one name the older first. */
function byName(a: DialectWebhook, b: DialectWebhook): number {
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)) || (a.id < b.id ? -1 : 1);
}

async function update(deps: SonarqubeApiDeps, { caller, parameters }: Call): Promise<Answered> {
  const key = parameters.required('webhook', { max: webhookKeyCharactersMax, emptyToo: true });
  const name = parameters.required('name', { max: nameCharactersMax });
  const urlGiven = parameters.required('url', { max: urlCharactersMax });
  const secret = secretOf(parameters.optional('secret', { max: secretCharactersMax }));
  await reachableUrl(deps.guard, urlGiven);
  const webhook = await found(deps, caller, key);
  requireAdminister(caller, webhook.project?.id ?? null);
  const urlText = updatedUrl(webhook.url, urlGiven);
  const change = {
    name,
    ...(urlText === undefined ? {} : { url: await reachableUrl(deps.guard, urlText) }),
    ...(secret === undefined ? {} : { secret }),
  };
  const { database } = deps;
  await database.write((tx) =>
    updateWebhook({ ...storeOf(deps, caller), tx, webhook: webhook.id, change, ...(urlText === undefined ? {} : { urlText }) }),
  );
  deps.wake(webhook.id);
  return null;
}

/** Not sent: kept. Blank: none from now on. */
function secretOf(given: string | undefined): string | null | undefined {
  if (given === undefined) return undefined;
  if (given === '') return null;
  if (given.length < secretCharactersMin || given.length > secretCharactersMax) throw refused.secretLength();
  return given;
}

async function remove(deps: SonarqubeApiDeps, { caller, parameters }: Call): Promise<Answered> {
  const key = parameters.required('webhook', { max: webhookKeyCharactersMax, emptyToo: true });
  const webhook = await found(deps, caller, key);
  requireAdminister(caller, webhook.project?.id ?? null);
  const { organization } = caller;
  await deps.database.write(async (tx) => {
    await deleteWebhook({ ...storeOf(deps, caller), tx, webhook: webhook.id });
    // The rest of a large backlog is cancelled by the upkeep.
    await cancelPending({ tx, organization, webhook: webhook.id, now: deps.clock.now() });
  });
  deps.wake(webhook.id);
  return null;
}

async function found({ database, sealer }: SonarqubeApiDeps, { organization }: Caller, key: string): Promise<DialectWebhook> {
  const webhook = await findWebhookOfDialect({ read: database.read, sealer, organization, dialect, webhook: key });
  if (webhook === null) throw refused.webhookNotFound(key);
  return webhook;
}

function storeOf({ sealer, ids, clock }: SonarqubeApiDeps, { organization, token, project }: Caller) {
  return { organization, onlyProject: project, actor: `token:${token}` as const, sealer, ids, clock };
}
