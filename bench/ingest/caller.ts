// Child of the ingest bench: SonarQube as a caller, over connections that are kept, with as little work of its own as can be.
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { answerQuestions, steadyNow } from '../../test/delivery/process.ts';
import type { Requests } from './payloads.ts';
import { requestsOf } from './payloads.ts';

export interface CallOptions {
  /** So many at once, each connection's next as soon as its last is answered. */
  readonly connections: number;
  /** In place of that: each when its time has come, over as many connections as it takes. */
  readonly perSecond?: number;
}

export interface CallResult {
  readonly began: number;
  readonly ended: number;
  /** By `steadyNow`, in the order of the requests. */
  readonly called: Float64Array;
  readonly answered: Float64Array;
}

let requests: readonly Buffer[] = [];

interface Line {
  send(request: Buffer): Promise<void>;
  close(): void;
}

function openLine(port: number): Line {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let asked: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;
  let text = '';
  const fail = (error: Error): void => asked?.reject(error);
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
    if (text.length < end + 4 + length) return;
    const answer = text;
    text = '';
    if (answer.startsWith('HTTP/1.1 200')) asked?.resolve();
    else asked?.reject(new Error(answer));
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('The connection was closed.')));
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        asked = { resolve, reject };
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

async function call({ port, connections, perSecond }: CallOptions & { readonly port: number }): Promise<CallResult> {
  const count = requests.length;
  const called = new Float64Array(count);
  const answered = new Float64Array(count);
  const all: Line[] = [];
  const idle: Line[] = [];
  const take = (): Line => {
    const kept = idle.pop();
    if (kept !== undefined) return kept;
    const made = openLine(port);
    all.push(made);
    return made;
  };
  const one = async (index: number): Promise<void> => {
    const line = take();
    called[index] = steadyNow();
    await line.send(requests[index] ?? Buffer.alloc(0));
    answered[index] = steadyNow();
    idle.push(line);
  };
  const began = steadyNow();
  try {
    if (perSecond === undefined) await inTurn(count, connections, one);
    else await inTime(count, perSecond, one);
    return { began, ended: steadyNow(), called, answered };
  } finally {
    for (const line of all) line.close();
  }
}

async function inTurn(count: number, connections: number, one: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const line = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: connections }, line));
}

async function inTime(count: number, perSecond: number, one: (index: number) => Promise<void>): Promise<void> {
  const began = performance.now();
  const all: Promise<void>[] = [];
  while (all.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - began) / 1000) * perSecond) + 1);
    while (all.length < due) all.push(one(all.length));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(all);
}

answerQuestions(null, {
  prepare: (wanted: Requests) => {
    requests = requestsOf(wanted);
  },
  call,
});
