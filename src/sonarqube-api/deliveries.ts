import type { Actions, Answered, Call, SonarqubeApiDeps } from './action.ts';
import { analysisOfTask } from './analyses.ts';
import type { Selected } from './attempts.ts';
import { errorText, readAttempt, readAttempts, testEventOfTask } from './attempts.ts';
import { requireAdminister } from './login.ts';
import { projectNamed } from './webhooks.ts';
import { refused } from './words.ts';

const pageSizeDefault = 10;
/** An analysis is told of after it came in; nodes' clocks may differ. */
const earlierMs = 3_600_000;

/** `api/webhooks/deliveries` and `delivery`: our attempts in SonarQube's shape (its contract, sections 3 and 4). */
export function deliveryActions(deps: SonarqubeApiDeps): Actions {
  return {
    'webhooks/deliveries': { method: 'GET', run: (call) => list(deps, call) },
    'webhooks/delivery': { method: 'GET', run: (call) => one(deps, call) },
  };
}

async function list(deps: SonarqubeApiDeps, call: Call): Promise<Answered> {
  const { caller, parameters } = call;
  const task = parameters.optional('ceTaskId');
  const component = parameters.optional('componentKey');
  const webhook = parameters.optional('webhook');
  const page = parameters.page(pageSizeDefault);
  const given = [task, component, webhook].filter((value) => value !== undefined).length;
  // All three together pass over there, by an exclusive or, and count as the webhook.
  if (given !== 1 && given !== 3) throw refused.oneSelector();
  const selected = await selectedBy(deps, call, { task, component, webhook });
  const { read } = deps.database;
  const { organization } = caller;
  const offset = (page.index - 1) * page.size;
  const found =
    selected === null
      ? { total: 0, attempts: [] }
      : await readAttempts({ read, sealer: deps.sealer, organization, selected, limit: page.size, offset });
  // Of every project on the page, and of no other.
  for (const { project } of found.attempts) requireAdminister(caller, project);
  return {
    paging: { pageIndex: page.index, pageSize: page.size, total: found.total },
    deliveries: found.attempts.map(({ delivery }) => delivery),
  };
}

type Given = { readonly [Name in 'task' | 'component' | 'webhook']: string | undefined };

/** Null: nothing can have been sent. */
async function selectedBy(deps: SonarqubeApiDeps, { caller }: Call, { task, component, webhook }: Given): Promise<Selected | null> {
  if (webhook !== undefined) return { webhook };
  const { read } = deps.database;
  const { organization } = caller;
  if (component !== undefined) {
    const project = await projectNamed(deps, caller, component);
    return project === null ? null : { project: project.id };
  }
  if (task === undefined || !/^[\w-]+$/.test(task)) return null;
  const analysis = await analysisOfTask({ read, organization, task });
  if (analysis !== null) return { task, project: analysis.project, since: analysis.created - earlierMs };
  const test = await testEventOfTask({ read, organization }, task);
  return test === null ? null : { task, project: null, since: test.created };
}

async function one({ database, sealer }: SonarqubeApiDeps, { caller, parameters }: Call): Promise<Answered> {
  const attempt = parameters.required('deliveryId');
  const found = await readAttempt({ read: database.read, sealer, organization: caller.organization, attempt });
  if (found === null) throw refused.deliveryNotFound();
  requireAdminister(caller, found.project);
  const error = errorText(found.error);
  const payload = found.payload === null ? {} : { payload: found.payload };
  return { delivery: { ...found.delivery, ...payload, ...(error === null ? {} : { errorStacktrace: error }) } };
}
