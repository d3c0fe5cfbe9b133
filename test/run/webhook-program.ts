import { aptInstall, canInstall, findProgram } from './system.ts';

/** The path of `webhook` (adnanh/webhook), a receiver in Go that many servers run: it tries what we send. Installed where we may; else said. */
export function findWebhookProgram(): string {
  const given = process.env.TEST_WEBHOOK_PROGRAM;
  if (given !== undefined && given !== '') return given;
  const found = findProgram('webhook');
  if (found !== null) return found;
  if (canInstall()) {
    aptInstall('webhook');
    const installed = findProgram('webhook');
    if (installed !== null) return installed;
  }
  throw new Error('The tests need webhook. Please install it (Debian: apt-get install webhook), or name it in TEST_WEBHOOK_PROGRAM.');
}
