import { createTransport } from 'nodemailer';

/** Between two signs of life from the mail server; a mail that is not taken by then is tried again later. */
export const mailTimeoutMs = 8_000;

export interface OutgoingMail {
  /** The same over all attempts: the mail's `Message-ID` is made of it. */
  readonly id: string;
  readonly recipients: readonly string[];
  readonly subject: string;
  readonly body: string;
}

export interface MailTransport {
  /** Answers when the mail server has taken it for at least one of the recipients. */
  send(mail: OutgoingMail): Promise<void>;
}

/** Sends by SMTP, a connection for each mail. `url` may hold user and password; nothing that is thrown is to be shown (see `mailErrorCode`). */
export function createMailTransport({ url, from }: { readonly url: string; readonly from: string }): MailTransport {
  const transport = createTransport({
    url,
    connectionTimeout: mailTimeoutMs,
    greetingTimeout: mailTimeoutMs,
    socketTimeout: mailTimeoutMs,
    dnsTimeout: mailTimeoutMs,
    // What we send is text; nothing in it is to be taken for the name of a file or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = /@([^\s@<>]+)>?$/.exec(from)?.[1] ?? 'localhost';
  return {
    async send({ id, recipients, subject, body }) {
      const headers = { 'auto-submitted': 'auto-generated' };
      await transport.sendMail({ from, to: [...recipients], subject, text: body, messageId: `<${id}@${domain}>`, headers });
    },
  };
}

/** What went wrong in one word that is safe to keep and show: `smtp_550`, `EAUTH`. A mail server's own words may repeat an address or a name. */
export function mailErrorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'mail_failed';
  if ('responseCode' in error && typeof error.responseCode === 'number') return `smtp_${error.responseCode}`;
  const code = 'code' in error ? String(error.code) : '';
  return /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? code : 'mail_failed';
}
