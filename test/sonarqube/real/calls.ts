// What is asked of both servers, call by call: good and bad, in this order.

export interface Call {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  readonly path: string;
  /** `{project}`, `{first}` and the like are filled in for each server. */
  readonly query?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly as?: 'administrator' | 'basic' | 'nobody' | 'wrong';
  /** The key of the webhook in the answer is kept under this name. */
  readonly keep?: string;
  /** An answer that differs on purpose, or by what the versions differ in, and why. */
  readonly differs?: string;
  /** The same for servers of 9.x alone: ours answers as the current ones do. */
  readonly differsOf9?: string;
}

const webhooks = 'api/webhooks';
const receiver = 'https://receiver.example.org/hook';
const long = (characters: number): string => 'x'.repeat(characters);

function create(name: string, form: Readonly<Record<string, string>>, more: Partial<Call> = {}): Call {
  return { name, method: 'POST', path: `${webhooks}/create`, form, ...more };
}

function list(name: string, query: Readonly<Record<string, string>> = {}): Call {
  return { name, method: 'GET', path: `${webhooks}/list`, query };
}

function update(name: string, form: Readonly<Record<string, string>>, more: Partial<Call> = {}): Call {
  return { name, method: 'POST', path: `${webhooks}/update`, form, ...more };
}

const creating: readonly Call[] = [
  list('none yet'),
  create('global', { name: 'b global', url: receiver }, { keep: 'first' }),
  create('with a secret', { name: 'a secret', url: receiver, secret: 'sixteen-chars-ok' }, { keep: 'second' }),
  create('of a project', { name: 'project', url: receiver, project: '{project}' }, { keep: 'third' }),
  create('credentials in the URL', { name: 'c basic', url: 'https://user:pass@receiver.example.org/hook' }, { keep: 'basic' }),
  { ...create('parameters in the query', {}), query: { name: 'd query', url: receiver }, form: {}, keep: 'query' },
  list('global'),
  list('of a project', { project: '{project}' }),
  list('of an unknown project', { project: 'no.such.project' }),
  create('no name', { url: receiver }),
  create('no URL', { name: 'n' }),
  create('blank name', { name: '  ', url: receiver }),
  create('name of 100', { name: long(100), url: receiver }, { keep: 'long' }),
  create('name of 101', { name: long(101), url: receiver }),
  create('URL of 513', { name: 'n', url: `https://receiver.example.org/${long(513 - 29)}` }),
  create('no URL at all', { name: 'n', url: 'receiver' }),
  create('another scheme', { name: 'n', url: 'ftp://receiver.example.org/' }),
  create('secret of 201', { name: 'n', url: receiver, secret: long(201) }),
  create('unknown project', { name: 'n', url: receiver, project: 'no.such.project' }),
  create('project of 401', { name: 'n', url: receiver, project: long(401) }),
];

const changing: readonly Call[] = [
  update('name and URL', { webhook: '{first}', name: 'b renamed', url: `${receiver}/2` }),
  update('secret kept', { webhook: '{second}', name: 'a secret', url: receiver }),
  list('after changes'),
  update('secret removed', { webhook: '{second}', name: 'a secret', url: receiver, secret: '' }),
  list('after the secret went'),
  update('unknown', { webhook: 'no-such-key', name: 'n', url: receiver }),
  update('no webhook', { name: 'n', url: receiver }),
  update('bad URL', { webhook: '{first}', name: 'n', url: 'receiver' }),
  update('webhook of 41', { webhook: long(41), name: 'n', url: receiver }),
  update('secret of 201', { webhook: '{first}', name: 'n', url: receiver, secret: long(201) }),
];

const deliveries = (name: string, query: Readonly<Record<string, string>>, more: Partial<Call> = {}): Call => ({
  name,
  method: 'GET',
  path: `${webhooks}/deliveries`,
  query,
  ...more,
});

const looking: readonly Call[] = [
  deliveries('none for a webhook', { webhook: '{first}' }),
  deliveries('no selector', {}),
  deliveries('two selectors', { webhook: '{first}', ceTaskId: 'x' }),
  deliveries('of a project without any', { componentKey: '{project}' }, { differs: 'by what was sent before' }),
  deliveries('of an unknown project', { componentKey: 'no.such.project' }),
  deliveries('of an unknown task', { ceTaskId: 'no-such-task' }),
  deliveries('ps 500', { webhook: '{first}', ps: '500' }),
  deliveries('ps 501', { webhook: '{first}', ps: '501' }),
  deliveries('ps x', { webhook: '{first}', ps: 'x' }),
  deliveries('p x', { webhook: '{first}', p: 'x' }),
  deliveries('ps 0', { webhook: '{first}', ps: '0' }, { differsOf9: '9.9 takes it' }),
  deliveries('p 0', { webhook: '{first}', p: '0' }, { differsOf9: '9.9 takes it' }),
  { name: 'unknown delivery', method: 'GET', path: `${webhooks}/delivery`, query: { deliveryId: 'no-such-delivery' } },
  { name: 'no delivery', method: 'GET', path: `${webhooks}/delivery` },
];

const methods: readonly Call[] = [
  { name: 'GET create', method: 'GET', path: `${webhooks}/create` },
  { name: 'PUT create', method: 'PUT', path: `${webhooks}/create` },
  { name: 'DELETE create', method: 'DELETE', path: `${webhooks}/create` },
  { name: 'POST list', method: 'POST', path: `${webhooks}/list` },
  { name: 'unknown action', method: 'GET', path: `${webhooks}/nothing` },
  { name: 'another case', method: 'GET', path: `${webhooks}/LIST` },
  { name: 'slash at the end', method: 'GET', path: `${webhooks}/list/` },
  { name: '.json', method: 'GET', path: `${webhooks}/list.json`, query: { project: '{project}' } },
  { name: 'nobody lists', method: 'GET', path: `${webhooks}/list`, as: 'nobody' },
  { name: 'a wrong token', method: 'GET', path: `${webhooks}/list`, as: 'wrong' },
  { name: 'token as user', method: 'GET', path: `${webhooks}/list`, query: { project: '{project}' }, as: 'basic' },
  { name: 'nobody at an unknown path', method: 'GET', path: 'api/nothing/at_all', as: 'nobody' },
];

const around: readonly Call[] = [
  { name: 'validate', method: 'GET', path: 'api/authentication/validate' },
  { name: 'validate nobody', method: 'GET', path: 'api/authentication/validate', as: 'nobody' },
  { name: 'validate a wrong token', method: 'GET', path: 'api/authentication/validate', as: 'wrong' },
  { name: 'unknown task', method: 'GET', path: 'api/ce/task', query: { id: 'no-such-task' } },
  { name: 'no task', method: 'GET', path: 'api/ce/task' },
  {
    name: 'gate of the project',
    method: 'GET',
    path: 'api/qualitygates/project_status',
    query: { projectKey: '{project}' },
    differsOf9: 'it writes periodIndex too',
  },
  { name: 'gate of an unknown project', method: 'GET', path: 'api/qualitygates/project_status', query: { projectKey: 'no.such.project' } },
  { name: 'analyses of an unknown project', method: 'GET', path: 'api/project_analyses/search', query: { project: 'no.such.project' } },
];

const removing: readonly Call[] = ['first', 'second', 'third', 'basic', 'query', 'long'].map((name) => ({
  name: `delete ${name}`,
  method: 'POST' as const,
  path: `${webhooks}/delete`,
  form: { webhook: `{${name}}` },
}));

const tooMany: readonly Call[] = [
  ...Array.from({ length: 10 }, (_, index) =>
    create(
      `project webhook ${index + 1}`,
      { name: `many ${index + 1}`, url: receiver, project: '{project}' },
      { keep: `many${index + 1}` },
    ),
  ),
  create('project webhook 11', { name: 'many 11', url: receiver, project: '{project}' }),
  ...Array.from(
    { length: 10 },
    (_, index): Call => ({
      name: `delete ${index + 1} of 10`,
      method: 'POST',
      path: `${webhooks}/delete`,
      form: { webhook: `{many${index + 1}}` },
    }),
  ),
];

export const calls: readonly Call[] = [
  ...creating,
  ...changing,
  ...looking,
  ...methods,
  ...around,
  ...removing,
  { name: 'delete what is gone', method: 'POST', path: `${webhooks}/delete`, form: { webhook: '{first}' } },
  { name: 'delete nothing', method: 'POST', path: `${webhooks}/delete`, form: {} },
  ...tooMany,
  list('nothing is left', { project: '{project}' }),
  // The last, since one of the servers has a webhook more after it.
  create('secret of 15', { name: 'n', url: receiver, secret: long(15) }, { differsOf9: 'versions before 10.6 take any length' }),
];
