// `npm run check`: types, lint (with who may import whom) and format. All three are run, so that one round shows everything.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const tools = [
  { name: 'types', script: 'typescript/bin/tsc', options: ['-p', '.'] },
  { name: 'lint and import direction', script: 'oxlint/bin/oxlint', options: ['--deny-warnings'] },
  { name: 'format', script: '@biomejs/biome/bin/biome', options: ['format'] },
];

let failed = 0;
for (const { name, script, options } of tools) {
  process.stdout.write(`${name}\n`);
  const { status } = spawnSync(process.execPath, [join('node_modules', script), ...options], { stdio: 'inherit' });
  if (status !== 0) failed += 1;
}
process.stdout.write(failed === 0 ? 'check: all is well\n' : `check: ${failed} of ${tools.length} found something\n`);
process.exitCode = failed === 0 ? 0 : 1;
