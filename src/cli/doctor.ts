import { systemClock } from '../clock.ts';
import type { Call, Command, Outcome } from './command.ts';
import type { Check } from './doctor/check.ts';
import { checkDatabase } from './doctor/database.ts';
import { checkFiles } from './doctor/files.ts';
import { checkNode, checkPlaces, checkServer } from './doctor/machine.ts';
import { checkRepositories } from './doctor/repositories.ts';
import { checkWork } from './doctor/work.ts';
import { findPlace } from './place.ts';

export const command: Command = {
  name: 'doctor',
  summary:
    'Says what is wrong with this set-up, which deliveries are stuck and why, and what to do about it. Changes nothing, and works beside a running server. ' +
    'Ends with 1 where something has failed.',
  options: {
    artifacts: { type: 'boolean', help: 'also read every stored file and compare it with its hash, and have the database checked' },
    repositories: { type: 'boolean', help: 'also have git check every object of every repository of this node' },
  },
  run,
};

async function run(call: Call): Promise<Outcome> {
  const place = findPlace(call.environment);
  const deep = call.flag('artifacts');
  const checks: Check[] = [checkNode(process.versions.node), ...(await checkPlaces(place))];
  const server = await checkServer(call.environment);
  const database = await checkDatabase({ place, deep });
  checks.push(...database.checks);
  if (database.read !== null) {
    try {
      const { isServing } = server;
      const sendsMail = place.configuration.smtpUrl !== null;
      checks.push(...(await checkWork({ read: database.read, clock: systemClock, shared: database.clock, isServing, sendsMail })));
      const { configuration } = place;
      checks.push(...(await checkRepositories({ read: database.read, configuration, isServing, deep: call.flag('repositories') })));
      checks.push(...(await checkFiles({ read: database.read, root: place.configuration.artifacts, deep, screen: call.screen })));
    } finally {
      await database.close();
    }
  }
  checks.push(server.check);
  const failed = checks.filter((check) => check.state === 'failed').length;
  const warnings = checks.filter((check) => check.state === 'warning').length;
  const verdict = failed + warnings === 0 ? 'Nothing is wrong.' : `${failed} failed, ${warnings} to look at.`;
  return { json: { ok: failed === 0, checks }, text: [...checks.map(lineOf), verdict].join('\n'), exitCode: failed === 0 ? 0 : 1 };
}

const marks = { ok: 'ok      ', warning: 'look    ', failed: 'FAILED  ' } as const;

function lineOf({ name, state, says, remedy, items = [] }: Check): string {
  const lines = [`${marks[state]}${name}: ${says}`, ...items.map((item) => `          ${item.says}`)];
  return [...lines, ...(remedy === undefined ? [] : [`        -> ${remedy}`])].join('\n');
}
