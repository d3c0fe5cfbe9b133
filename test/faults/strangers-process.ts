// Child of strangers.ts: bare sockets, since no HTTP server would answer like this.
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { answerQuestions } from '../delivery/process.ts';
import type { StrangerName } from './strangers.ts';

const headersEnd = '\r\n\r\n';
const floodBytes = 100 * 2 ** 20;
const pieceBytes = 64 * 2 ** 10;
const dripMs = 1_000;
const ok = 'HTTP/1.1 200 OK\r\n';
const requests = new Map<string, number>();

const strangers: Readonly<Record<Exclude<StrangerName, 'nobody'>, (socket: Socket) => void>> = {
  hangs: () => undefined,
  'hangs-in-headers': (socket) => void socket.write(`${ok}X-Half: `),
  drips: (socket) => {
    socket.write(`${ok}Content-Length: 1000000${headersEnd}`);
    const timer = setInterval(() => void socket.write('x'), dripMs);
    socket.once('close', () => clearInterval(timer));
  },
  floods: (socket) => {
    socket.write(`${ok}Content-Length: ${floodBytes}${headersEnd}`);
    flood(socket);
  },
  'cuts-at-once': (socket) => void socket.destroy(),
  'cuts-in-headers': (socket) => void socket.end(`${ok}Content-Le`),
  'cuts-in-body': (socket) => void socket.end(`${ok}Content-Length: 100${headersEnd}ten bytes.`),
  rubbish: (socket) => void socket.end(`Good morning.${headersEnd}`),
  'only-1xx': (socket) => {
    const timer = setInterval(() => void socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>${headersEnd}`), dripMs);
    socket.once('close', () => clearInterval(timer));
  },
  redirects: (socket) => void socket.write(`HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0${headersEnd}`),
  'headers-without-end': (socket) => flood(socket, `${ok}X-Long: `),
  // Offers to keep the connection and closes it when the next request may be on its way.
  'closes-kept': (socket) => {
    socket.write(`${ok}Content-Length: 0${headersEnd}`);
    setImmediate(() => void socket.destroy());
  },
  fails: (socket) => void socket.write(`HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0${headersEnd}`),
};

function flood(socket: Socket, head = ''): void {
  const piece = Buffer.alloc(pieceBytes, 'x');
  socket.write(head);
  let sent = 0;
  const more = (): void => {
    while (sent < floodBytes && !socket.destroyed) {
      sent += pieceBytes;
      if (!socket.write(piece)) return void socket.once('drain', more);
    }
  };
  more();
}

const server = createServer((socket) => {
  let text = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const end = text.indexOf(headersEnd) + headersEnd.length;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (end < headersEnd.length || text.length < end + length) return;
    const name = /^POST \/([^ ]+)/.exec(text)?.[1] ?? '';
    text = text.slice(end + length);
    requests.set(name, (requests.get(name) ?? 0) + 1);
    strangers[name as keyof typeof strangers](socket);
  });
});
server.listen(0, '127.0.0.1', 1024);
await once(server, 'listening');
answerQuestions((server.address() as AddressInfo).port, { requests: () => requests });
