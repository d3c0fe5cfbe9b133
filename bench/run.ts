// `npm run bench -- NAME`: runs bench/NAME.ts, which prints its figures beside a bare limit taken in the same run.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';

const names = globSync(join(import.meta.dirname, '*.ts'))
  .map((file) => basename(file, '.ts'))
  .filter((name) => name !== 'run')
  .toSorted();
const [name, ...rest] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  process.stderr.write(`usage: npm run bench -- ${names.join('|')}\n`);
  process.exitCode = 2;
} else {
  const { status } = spawnSync(process.execPath, ['--expose-gc', join(import.meta.dirname, `${name}.ts`), ...rest], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
