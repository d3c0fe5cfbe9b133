import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { createPeriodic } from '../periodic.ts';
import type { Database } from '../storage/database/database.ts';
import { sendMails } from './send.ts';
import { createMailTransport } from './transport.ts';

/** How often to look for mails that are due. */
export const mailsMs = 5_000;

export interface MailingOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  /** The mail server; null: no mail is sent. */
  readonly url: string | null;
  readonly from: string | null;
}

export interface Mailing {
  /** Whether mails that are written down now will be sent. */
  readonly sends: boolean;
  start(): void;
  /** Begins nothing further and lets the mail under way end within `graceMs`; one that does not is sent again later. */
  stop(graceMs: number): Promise<void>;
}

/** Sends what is in the outbox, apart from all that delivers: a mail server that hangs holds up nothing else. */
export function createMailing({ database, clock, log, url, from }: MailingOptions): Mailing {
  if (url === null || from === null) return { sends: false, start: () => undefined, stop: async () => undefined };
  const transport = createMailTransport({ url, from });
  const periodic = createPeriodic({
    name: 'mails',
    everyMs: mailsMs,
    firstAfterMs: mailsMs,
    log,
    async run(signal) {
      while (await sendMails({ database, clock, transport, log, signal }));
    },
  });
  return {
    sends: true,
    start: () => periodic.start(),
    async stop(graceMs) {
      await Promise.race([periodic.stop(), sleep(graceMs, undefined, { ref: false })]);
    },
  };
}
