// Runs one of the project's own programs (`node bin/run.js test/run/tests.ts …`) as bin/gatepost.js runs the command line:
// under the right Node and with the packages of package-lock.json. All npm scripts go through it, so that they need no set-up.
import { resolve } from 'node:path';
import { launch } from './launch.js';

const [program, ...rest] = process.argv.slice(2);
if (program === undefined) {
  process.stderr.write('usage: node bin/run.js PROGRAM [ARGUMENTS]\n');
  process.exit(2);
}
await launch(resolve(program), rest);
