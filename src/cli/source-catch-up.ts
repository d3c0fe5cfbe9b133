import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, Command, Outcome } from './command.ts';
import { connectServer, field } from './server.ts';
import { findSource } from './sources.ts';

export const command: Command = {
  name: 'source catch-up',
  summary:
    "Brings in what a SonarQube server's webhooks missed: those that failed over there, and the analyses since the last known one of each branch.",
  words: [{ name: 'SOURCE', help: 'its id, or its name where only one has it' }],
  options: { wait: { type: 'boolean', help: 'wait until it has been looked; ends with 1 where that could not be done' } },
  run,
};

const pollMs = 500;

async function run(call: Call): Promise<Outcome> {
  const server = connectServer(call.environment, { needToken: true });
  const source = await findSource(server, call.word(0));
  const path = `/v1/sources/${source.id}`;
  const { body } = await server.json(`${path}/catch-ups`, { method: 'POST' });
  if (!call.flag('wait')) return { json: body, text: `${source.name} is looked at. ${field(body, 'poll') ?? ''} shows when that is done.` };
  const asked = Date.parse(field(body, 'asked') ?? '');
  for (;;) {
    const { body: seen } = await server.json(path);
    if (Date.parse(field(seen, 'caughtUp') ?? '') >= asked) return { json: seen, text: `All of ${source.name} is here.` };
    const state = field(seen, 'state') ?? '';
    // What was wrong before counts no more once somebody asked.
    if (state !== 'ok' && state !== 'unchecked' && Date.parse(field(seen, 'stateSince') ?? '') >= asked) {
      return { json: seen, text: `${source.name} could not be looked at: ${state} (${field(seen, 'stateMessage') ?? ''})`, exitCode: 1 };
    }
    await sleep(pollMs);
  }
}
