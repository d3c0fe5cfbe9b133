import process from 'node:process';
import { runCommandLine } from './run.ts';

// Not process.exit: what was written to a pipe may still be on its way.
process.exitCode = await runCommandLine({
  typed: process.argv.slice(2),
  directory: process.cwd(),
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
});
