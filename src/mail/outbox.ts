import type { Clock } from '../clock.ts';
import type { Identifiers } from '../identifiers.ts';
import type { Tx } from '../storage/database/database.ts';

export interface WriteMailOptions {
  readonly tx: Tx;
  readonly organization: string;
  readonly recipients: readonly string[];
  readonly subject: string;
  /** Plain text. It lies in the database and passes mail servers in clear: never a secret. */
  readonly body: string;
  readonly ids: Identifiers;
  readonly clock: Clock;
}

/** Writes a mail down in the caller's unit of work: it will be sent if and only if the unit's other rows are there. */
export async function writeMail({ tx, organization, recipients, subject, body, ids, clock }: WriteMailOptions): Promise<void> {
  const now = clock.now();
  await tx
    .insertInto('mails')
    .values({
      id: ids.next(),
      organization,
      recipients: JSON.stringify(recipients),
      subject,
      body,
      state: 'pending',
      due: now,
      attempts: 0,
      last_error: null,
      created: now,
      settled: null,
    })
    .execute();
}
