import type { Call, Command, Outcome } from './command.ts';
import { connectServer } from './server.ts';
import { findSource } from './sources.ts';

export const command: Command = {
  name: 'source check',
  summary:
    'Asks a SonarQube server what works: its version, what the token may, which calls are answered, whether our webhook is there. Ends with 1 where the source is not well, or the webhook could not be made.',
  words: [{ name: 'SOURCE', help: 'its id, or its name where only one has it' }],
  options: {
    'create-webhook': { type: 'boolean', help: 'make the webhook over there, or set right the one that is there' },
  },
  run,
};

interface Checked {
  readonly source: { readonly state: string; readonly stateMessage: string | null };
  readonly check: {
    readonly version: string | null;
    readonly edition: string | null;
    readonly projects: number | null;
    readonly token: Readonly<Record<string, boolean | null>>;
    readonly calls: readonly { readonly path: string; readonly ok: boolean; readonly code: string | null }[];
    readonly webhook: { readonly state: string; readonly code: string | null; readonly message: string | null };
  };
  readonly paste: { readonly url: string; readonly secret: string } | null;
}

async function run(call: Call): Promise<Outcome> {
  const server = connectServer(call.environment, { needToken: true });
  const source = await findSource(server, call.word(0));
  const { body } = await server.json(`/v1/sources/${source.id}/check`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ createWebhook: call.flag('create-webhook') }),
  });
  const checked = body as Checked;
  const failed = checked.source.state !== 'ok' || checked.check.webhook.state === 'refused';
  return { json: body, text: textOf(source.name, checked), exitCode: failed ? 1 : 0 };
}

function textOf(name: string, { source, check, paste }: Checked): string {
  const told = Object.entries(check.token).filter(([, may]) => may !== null);
  const untold = Object.entries(check.token).filter(([, may]) => may === null);
  const may = told.map(([what, may]) => `${may === true ? '' : 'not '}${what}`);
  if (untold.length > 0) may.push(may.length === 0 ? 'unknown' : `unknown: ${untold.map(([what]) => what).join(', ')}`);
  const lines = [
    `${name}: ${source.state}${source.stateMessage === null ? '' : ` (${source.stateMessage})`}`,
    `  version ${check.version ?? 'unknown'}, edition ${check.edition ?? 'unknown'}, ${check.projects ?? 'unknown how many'} projects to be seen`,
    `  token: ${may.join(', ')}`,
    ...check.calls.map((one) => `  ${one.ok ? 'ok      ' : 'refused '}${one.path}${one.code === null ? '' : ` (${one.code})`}`),
    `  webhook: ${check.webhook.state}${check.webhook.message === null ? '' : ` (${check.webhook.message})`}`,
    ...(paste === null ? [] : [`  to paste: ${paste.url}`, `  secret: ${paste.secret}`]),
  ];
  return lines.join('\n');
}
