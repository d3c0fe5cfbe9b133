import { encodeCursor, decodeCursor } from '../http/paging.ts';
import type { Caller } from '../http/caller.ts';
import { allows } from '../http/caller.ts';
import type { Repository } from '../repositories/repository.ts';
import { cancelPending } from '../webhooks/delivery/upkeep.ts';
import { secureSourceManagerDialect } from '../webhooks/dialects/secure-source-manager.ts';
import type { WebhookChange } from '../webhooks/subscriptions/change.ts';
import { updateWebhook } from '../webhooks/subscriptions/change.ts';
import { checkedRefFilter } from '../webhooks/ref-filter/ref-filter.ts';
import { checkedUrl } from '../webhooks/subscriptions/given.ts';
import type { RepositoryHook } from '../webhooks/subscriptions/hooks.ts';
import { checkedHookId } from '../webhooks/subscriptions/hook-id.ts';
import { findHook, listHooks } from '../webhooks/subscriptions/hooks.ts';
import { checkedQuery } from '../webhooks/subscriptions/query.ts';
import { deleteWebhook, insertWebhook } from '../webhooks/subscriptions/store.ts';
import type { Action, ActionDeps, Call } from './action.ts';
import { invalidArgument, resourceNotFound } from './errors.ts';
import type { HookGiven } from './hook.ts';
import { hookBody, readHookChange, readNewHook, shownTargetUri } from './hook.ts';
import { hookName } from './names.ts';
import type { Done, Verb } from './operations.ts';
import { operationBody } from './operations.ts';
import { namedRepository } from './repositories.ts';

export const dialect = secureSourceManagerDialect.name;

export const pageSizeDefault = 30;
/** What asks for more gets as many. */
export const pageSizeMax = 100;

/** `projects.locations.repositories.hooks`: those of this dialect alone are seen and changed. Reading needs `read`, changing `admin`, as for all webhooks. */
export function hookActions(deps: ActionDeps): readonly Action[] {
  const path = '/repositories/:repository/hooks';
  const one = `${path}/:hook`;
  return [
    { method: 'POST', path, scope: 'admin', parameters: ['hookId'], run: (call) => create(deps, call) },
    { method: 'GET', path, scope: 'read', parameters: ['pageSize', 'pageToken'], run: (call) => list(deps, call) },
    { method: 'GET', path: one, scope: 'read', parameters: [], run: (call) => get(deps, call) },
    { method: 'PATCH', path: one, scope: 'admin', parameters: ['updateMask'], run: (call) => patch(deps, call) },
    { method: 'DELETE', path: one, scope: 'admin', parameters: [], run: (call) => remove(deps, call) },
  ];
}

async function create(deps: ActionDeps, call: Call): Promise<object> {
  const { database, guard, clock } = deps;
  const begun = clock.now();
  const repository = await namedRepository(database.read, call);
  const hookIdGiven = call.query.get('hookId');
  if (hookIdGiven === undefined) throw invalidArgument('The query has no "hookId": it names the new hook.', { field: 'hookId' });
  const hookId = checkedHookId(hookIdGiven);
  const given = readNewHook(call.body);
  const { targetUri: urlText, events, disabled } = given;
  const url = await checkedUrl(guard, urlText);
  const checked = checkedTexts(given);
  const webhook = await database.write(async (tx) => {
    const made = await insertWebhook({
      ...storeOf(deps, call.caller),
      ...checked,
      tx,
      project: null,
      repository,
      hookId,
      name: hookId,
      url,
      urlText,
      events,
      dialect,
      // What is signed is so with a secret that /v1 gives it.
      secret: null,
    });
    if (!disabled) return made;
    return (await updateWebhook({ ...storeOf(deps, call.caller), tx, webhook: made.id, change: { active: false } })).webhook;
  });
  deps.wake(webhook.id);
  return operation(deps, call, { verb: 'create', begun, repository, hook: { hookId, webhook, url: urlText } });
}

async function list({ database, sealer }: ActionDeps, call: Call): Promise<object> {
  const { caller, query } = call;
  const repository = await namedRepository(database.read, call);
  const pageSize = Math.min(query.integer('pageSize') || pageSizeDefault, pageSizeMax);
  const after = hookIdBehind(query.get('pageToken'));
  const { organization } = caller;
  const of = { read: database.read, sealer, organization, repository: repository.id, dialect };
  const found = await listHooks({ ...of, limit: pageSize + 1, after });
  const hooks = found.slice(0, pageSize);
  const last = hooks.at(-1);
  const shown = hooks.map((hook) => shownHook(hook, repository, call));
  return { hooks: shown, ...(found.length > pageSize && last !== undefined ? { nextPageToken: encodeCursor([last.hookId]) } : {}) };
}

/** Fails with INVALID_ARGUMENT for what no page gave out. */
function hookIdBehind(pageToken: string | undefined): string | null {
  if (pageToken === undefined) return null;
  try {
    return String(decodeCursor(pageToken, 1)[0]);
  } catch {
    throw invalidArgument('The page token is none that a page gave out.', { field: 'pageToken' });
  }
}

async function get({ database, sealer }: ActionDeps, call: Call): Promise<object> {
  const repository = await namedRepository(database.read, call);
  return shownHook(await namedHook({ database, sealer }, call, repository), repository, call);
}

async function patch(deps: ActionDeps, call: Call): Promise<object> {
  const { database, guard, clock } = deps;
  const begun = clock.now();
  const repository = await namedRepository(database.read, call);
  const hook = await namedHook(deps, call, repository);
  const given = readHookChange(call.body, call.query.get('updateMask'));
  const { targetUri, events, disabled } = given;
  // As it was shown: it stays as it is, with the user and password that are not shown.
  const shown = [hook.url, shownTargetUri(hook.url), hook.webhook.url];
  const urlText = targetUri === undefined || shown.includes(targetUri) ? undefined : targetUri;
  const change: WebhookChange = {
    ...(urlText === undefined ? {} : { url: await checkedUrl(guard, urlText) }),
    ...(events === undefined ? {} : { events }),
    ...(disabled === undefined ? {} : { active: !disabled }),
    ...checkedTexts(given),
  };
  if (Object.keys(change).length === 0) return operation(deps, call, { verb: 'update', begun, repository, hook });
  const { webhook } = await database.write((tx) =>
    updateWebhook({
      ...storeOf(deps, call.caller),
      tx,
      webhook: hook.webhook.id,
      change,
      ...(urlText === undefined ? {} : { urlText }),
    }),
  );
  deps.wake(webhook.id);
  return operation(deps, call, { verb: 'update', begun, repository, hook: { ...hook, webhook, url: urlText ?? hook.url } });
}

async function remove(deps: ActionDeps, call: Call): Promise<object> {
  const { database, clock } = deps;
  const begun = clock.now();
  const repository = await namedRepository(database.read, call);
  const hook = await namedHook(deps, call, repository);
  const { organization } = call.caller;
  await database.write(async (tx) => {
    await deleteWebhook({ ...storeOf(deps, call.caller), tx, webhook: hook.webhook.id });
    // The rest of a large backlog is cancelled by the upkeep.
    await cancelPending({ tx, organization, webhook: hook.webhook.id, now: clock.now() });
  });
  deps.wake(hook.webhook.id);
  return operation(deps, call, { verb: 'delete', begun, repository, hook });
}

/** The texts that have rules of their own, as the store takes them. Fails with `invalid_sensitive_query` and `invalid_ref_filter`. */
function checkedTexts({
  sensitiveQueryString: query,
  branchFilter: filter,
}: HookGiven): Pick<WebhookChange, 'sensitiveQuery' | 'refFilter'> {
  return {
    ...(query === undefined ? {} : { sensitiveQuery: query === null ? null : checkedQuery(query) }),
    ...(filter === undefined ? {} : { refFilter: filter === null ? null : checkedRefFilter(filter) }),
  };
}

function storeOf({ sealer, ids, clock }: ActionDeps, { organization, token, project }: Caller) {
  return { organization, onlyProject: project, actor: `token:${token}` as const, sealer, ids, clock };
}

/** The hook that the path names. Fails with NOT_FOUND. */
async function namedHook(
  { database, sealer }: Pick<ActionDeps, 'database' | 'sealer'>,
  { caller, place, named }: Call,
  repository: Repository,
): Promise<RepositoryHook> {
  const { hook: hookId = '' } = named;
  const { organization } = caller;
  const hook = await findHook({ read: database.read, sealer, organization, repository: repository.id, dialect, hookId });
  if (hook === null) throw resourceNotFound(hookName(place, repository.name, hookId));
  return hook;
}

/** As the caller may see it: the target whole for `admin` alone, for others as `/v1/webhooks` shows it. */
export function shownHook(hook: RepositoryHook, repository: Repository, { caller, place, query: { areEnumsNumbers } }: Call) {
  const isTargetWhole = allows(caller.scopes, 'admin');
  return hookBody(hook, { name: hookName(place, repository.name, hook.hookId), areEnumsNumbers, isTargetWhole });
}

interface Ended {
  readonly verb: Verb;
  readonly begun: number;
  readonly repository: Repository;
  readonly hook: RepositoryHook;
}

/** The answer of a change: an operation that is done. */
function operation({ operations, clock }: ActionDeps, call: Call, { verb, begun, repository, hook }: Ended): object {
  const { id: repositoryId, name } = repository;
  const done: Done = { verb, begun, ended: clock.now(), repository: name, repositoryId, hook: hook.hookId, webhook: hook.webhook.id };
  const id = operations.idOf(call.caller.organization, done);
  return operationBody({ place: call.place, id, done, hook: verb === 'delete' ? null : shownHook(hook, repository, call) });
}
