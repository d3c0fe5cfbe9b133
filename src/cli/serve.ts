import { describeSettings } from '../configuration.ts';
import { serve } from '../main.ts';
import type { Call, Command, Outcome } from './command.ts';
import { table } from './command.ts';

export const command: Command = {
  name: 'serve',
  summary:
    'Runs the server until it gets SIGTERM or SIGINT: it then takes nothing new, finishes what is in flight (10 s at most) and ends with 0. Prints its address once it takes requests.',
  options: {},
  notes() {
    const rows = describeSettings().map((one) => [one.name, `${one.reason}\n${''.padEnd(4)}(${one.type}; else ${one.default})`] as const);
    return ['Settings, from the environment or a file .env in the working directory:', ...table(rows)].join('\n');
  },
  run,
};

async function run(call: Call): Promise<Outcome> {
  const { address, ended } = await serve(call.environment);
  const outcome = { json: { url: address }, text: `Gatepost listens on ${address}` };
  call.show(outcome);
  await ended;
  return outcome;
}
