import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';

/** What is taken off a socket at once. */
const readBytes = 128 * 1024;

export interface Load {
  readonly port: number;
  /** Asked for in turn. */
  readonly paths: readonly string[];
  readonly connections: number;
  readonly ms: number;
}

export interface Answered {
  readonly perSecond: number;
  readonly bodyBytes: number;
}

/** Asks as fast as the server answers, from a process of its own: kept-alive connections, one request at a time on each. */
export async function load(options: Load): Promise<Answered> {
  const child = fork(import.meta.filename, ['load']);
  child.send(options);
  const [answered] = (await once(child, 'message')) as [Answered];
  await once(child, 'exit');
  return answered;
}

if (process.argv[2] === 'load') {
  const [options] = (await once(process, 'message')) as [Load];
  const answered = await run(options);
  process.send?.(answered);
  process.disconnect();
}

async function run({ port, paths, connections, ms }: Load): Promise<Answered> {
  let next = 0;
  let count = 0;
  let bodyBytes = 0;
  const began = performance.now();
  const isOver = (): boolean => performance.now() - began >= ms;
  const take = (): string => paths[next++ % paths.length] ?? '';
  await Promise.all(
    Array.from({ length: connections }, () =>
      client(port, take, isOver, (bytes) => {
        count += 1;
        bodyBytes += bytes;
      }),
    ),
  );
  return { perSecond: count / ((performance.now() - began) / 1000), bodyBytes: bodyBytes / count };
}

/** Knows just enough HTTP: a status line, a `Content-Length`, that many bytes. It costs a fraction of what a whole client would. */
async function client(port: number, take: () => string, isOver: () => boolean, answered: (bytes: number) => void): Promise<void> {
  let missing = 0;
  let length = 0;
  const read = (count: number, buffer: Uint8Array): boolean => {
    if (missing === 0) {
      ({ length, missing } = readHead(Buffer.from(buffer.buffer, buffer.byteOffset, count)));
    }
    missing -= count;
    if (missing > 0) return true;
    answered(length);
    ask();
    return true;
  };
  // One buffer over and over: nothing is allocated for what is thrown away.
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: Buffer.alloc(readBytes), callback: read } });
  const ask = (): void => {
    if (isOver()) socket.end();
    else socket.write(`GET ${take()} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  };
  socket.on('connect', ask);
  await once(socket, 'close');
}

function readHead(chunk: Buffer): { readonly length: number; readonly missing: number } {
  const end = chunk.indexOf('\r\n\r\n');
  const head = chunk.toString('latin1', 0, end);
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
  if (!head.startsWith('HTTP/1.1 200') || !(length > 0)) throw new Error(`The server answered ${chunk.toString('latin1', 0, 500)}`);
  return { length, missing: length + end + 4 };
}
