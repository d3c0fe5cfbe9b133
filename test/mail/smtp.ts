import type { Socket } from 'node:net';
import { createServer } from 'node:net';

interface Context {
  after(step: () => Promise<void> | void): void;
}

export interface Inbox {
  readonly url: string;
  readonly mails: { readonly from: string; readonly to: readonly string[]; readonly text: string; readonly user: string }[];
}

/** A mail server that keeps what it is given. `refuse` answers a command by something else than 250. */
export async function startSmtp(t: Context, refuse: (command: string) => string | null = () => null): Promise<Inbox> {
  const mails: Inbox['mails'] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let [from, user, rest, inData] = ['', '', '', false];
    let to: string[] = [];
    const say = (line: string) => socket.write(`${line}\r\n`);
    const command = (line: string): string => {
      const refused = refuse(line);
      if (refused !== null) return refused;
      if (line.startsWith('EHLO')) return '250-test\r\n250 AUTH PLAIN';
      if (line.startsWith('AUTH PLAIN')) user = Buffer.from(line.slice(11), 'base64').toString('utf8');
      if (line.startsWith('AUTH')) return '235 welcome';
      if (line.startsWith('MAIL')) from = line;
      if (line.startsWith('RCPT')) to = [...to, line];
      inData = line === 'DATA';
      return inData ? '354 go on' : line === 'QUIT' ? '221 bye' : '250 ok';
    };
    say('220 test');
    socket.on('error', () => undefined);
    socket.on('data', (piece: Buffer) => {
      rest += piece.toString('utf8');
      for (;;) {
        const end = rest.indexOf(inData ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const line = rest.slice(0, end);
        rest = rest.slice(end + (inData ? 5 : 2));
        if (inData) {
          mails.push({ from, to, text: line, user });
          inData = false;
          say('250 taken');
        } else say(command(line));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return { url: `smtp://user:pass%20word@127.0.0.1:${port}`, mails };
}

/** The text of a mail's one part, decoded. */
export function bodyOf(mail: string): string {
  const [head = '', body = ''] = mail.split('\r\n\r\n', 2);
  if (/Content-Transfer-Encoding: base64/i.test(head)) return Buffer.from(mail.slice(head.length), 'base64').toString('utf8');
  if (!/quoted-printable/i.test(head)) return body;
  const bytes = mail
    .slice(head.length + 4)
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
