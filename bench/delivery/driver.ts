// Child of the delivery bench: a caller from outside that records events over HTTP, with as little work of its own as can be.
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { LoadOptions, Loaded } from '../../test/delivery/load.ts';
import { load } from '../../test/delivery/load.ts';
import { answerQuestions } from '../../test/delivery/process.ts';
import type { RecordAlone } from '../../src/events/record.ts';

export interface DriverOptions extends LoadOptions {
  readonly port: number;
}

interface Connection {
  /** Sends one request and answers once it is answered with 202; fails where it is not. */
  send(request: string): Promise<void>;
  close(): void;
}

const accepted = 'HTTP/1.1 202';

function openConnection(port: number): Connection {
  let waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;
  let pending = '';
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const end = (error: Error): void => {
    const asked = waiting;
    waiting = null;
    asked?.reject(error);
  };
  socket.on('data', (chunk: Buffer) => {
    pending += chunk.toString('latin1');
    if (!isWhole(pending)) return;
    const answer = pending;
    pending = '';
    const asked = waiting;
    waiting = null;
    if (answer.startsWith(accepted)) asked?.resolve();
    else asked?.reject(new Error(answer));
  });
  socket.on('error', end);
  socket.on('close', () => end(new Error('The connection was closed.')));
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error('The connection is closed.'));
        waiting = { resolve, reject };
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

/** An answer of a known length: all that the server sends here. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1];
  return text.length >= end + 4 + Number(length ?? 0);
}

async function run(options: DriverOptions): Promise<Loaded> {
  const all: Connection[] = [];
  const idle: Connection[] = [];
  const take = (): Connection => {
    const kept = idle.pop();
    if (kept !== undefined) return kept;
    const made = openConnection(options.port);
    all.push(made);
    return made;
  };
  const record: RecordAlone = async ({ project, facts }) => {
    const connection = take();
    const body = JSON.stringify(facts);
    const about = project === null ? '' : `X-Project: ${project}\r\n`;
    const head = `POST /test/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n${about}Content-Length: ${body.length}\r\n\r\n`;
    await connection.send(head + body);
    idle.push(connection);
    return '';
  };
  try {
    return await load(record, options);
  } finally {
    for (const connection of all) connection.close();
  }
}

answerQuestions(null, { run });
