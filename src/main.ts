import { buildApp } from './app.ts';
import { environmentWith, readConfiguration } from './configuration.ts';
import { GatepostError } from './errors.ts';
import { createLog } from './http/log.ts';

/** Runs the server until SIGTERM or SIGINT. Answers once it takes requests; `ended` comes when it has stopped. */
export async function serve(
  environment: Readonly<Record<string, string | undefined>> = environmentWith(process.cwd(), process.env),
): Promise<{ readonly address: string; readonly ended: Promise<void> }> {
  const configuration = readConfiguration(environment);
  const log = createLog({ level: configuration.log });
  // A bug that nobody caught: what is in memory can no longer be trusted, what is on disk can. Whoever supervises us starts us again.
  process.on('uncaughtExceptionMonitor', (error, origin) => log.fatal({ err: error, origin }, 'ended by an error that nobody caught'));
  const app = await buildApp(configuration, { log });
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const stop = (): void => {
    app.stop().then(resolve, reject);
  };
  // Not once: a supervisor may send it to the whole group and to us again, which must not end us before we have stopped.
  process.on('SIGTERM', stop).on('SIGINT', stop);
  try {
    return { address: await app.start(), ended };
  } catch (error) {
    await app.stop();
    throw error;
  }
}

if (import.meta.main) {
  try {
    const { address, ended } = await serve();
    process.stdout.write(`Gatepost listens on ${address}\n`);
    await ended;
  } catch (error) {
    process.stderr.write(`${error instanceof GatepostError ? error.message : String(error instanceof Error ? error.stack : error)}\n`);
    process.exitCode = 1;
  }
}
