import type { Socket } from 'node:net';
import { Client } from 'undici';
import type { Connector, Route } from './connect.ts';
import { SendFailed } from './failure.ts';
import type { Room } from './room.ts';

/** How large the headers of an answer may be in all; more is an answer we refuse. */
export const answerHeaderBytesMax = 16 * 1024;
/** A connection is kept for the next request no longer than this, whatever the receiver offers. */
const keepAliveMsMax = 60_000;
const keepAliveMs = 4_000;
/** What a line that is closed while it connects ends with; one for all, since nobody reads where it was made. */
const closed = new SendFailed('send_failed');

/** One connection to a receiver, made when the first request goes out, kept for the next, made again where it was closed. */
export interface Line {
  readonly client: Client;
  /** Exchanges that ended well over the connection as it is now: what tells a kept one from a new one. */
  served: number;
  /** When the connection asked for a place among all, and when it got one (null while it waits), by the clock that is never set back. */
  askedAt: number;
  placedAt: number | null;
  /** What is being connected; aborted with the line. */
  readonly connecting: AbortController;
}

/** Who wants a line. One of the two is called, once. */
export interface Taker {
  begin(line: Line): void;
  fail(error: Error): void;
}

export interface PoolOptions {
  readonly route: Route;
  readonly connector: Connector;
  readonly room: Room;
  readonly linesMax: number;
}

/** The connections of one webhook to one origin. A class, since there may be thousands. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #lines = new Set<Line>();
  /** The one that was used last is taken first: the others grow old and close. */
  readonly #idle: Line[] = [];
  readonly #waiting = new Set<Taker>();
  #lastUsed = performance.now();
  #isRetired = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get url(): URL {
    return this.#options.route.url;
  }

  get underWay(): number {
    return this.#lines.size - this.#idle.length;
  }

  get idle(): number {
    return this.#idle.length;
  }

  /** By the clock that is never set back. */
  get lastUsed(): number {
    return this.#lastUsed;
  }

  /** Begins at once where a line is idle or may be opened, else when one comes back; who waited longest goes first. */
  lend(taker: Taker): void {
    const line = this.#idle.pop() ?? (this.#lines.size < this.#options.linesMax ? this.#open() : undefined);
    if (line === undefined) this.#waiting.add(taker);
    else taker.begin(line);
  }

  /** Nothing is lent to this one any more. */
  leave(taker: Taker): void {
    this.#waiting.delete(taker);
  }

  /** The line's exchange ended well: the next may go over it. */
  giveBack(line: Line): void {
    if (!this.#lines.has(line)) return;
    line.served += 1;
    this.#lastUsed = performance.now();
    if (this.#isRetired && this.#waiting.size === 0) {
      this.#close(line);
      return;
    }
    this.#idle.push(line);
    this.#lendNext();
  }

  /** Closes the line, whatever is under way over it. */
  discard(line: Line): void {
    this.#lastUsed = performance.now();
    this.#close(line);
    this.#lendNext();
  }

  /** Closes the idle line that was used longest ago. */
  closeOne(): void {
    const [oldest] = this.#idle;
    if (oldest !== undefined) this.#close(oldest);
  }

  /** Nothing new is kept: idle lines are closed now, the others when they come back. */
  retire(): void {
    this.#isRetired = true;
    for (let line = this.#idle[0]; line !== undefined; line = this.#idle[0]) this.#close(line);
  }

  /** Breaks off everything. */
  destroy(): void {
    this.#isRetired = true;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const taker of waiting) taker.fail(new SendFailed('send_failed'));
    for (const line of this.#lines) this.#close(line);
  }

  #lendNext(): void {
    const [taker] = this.#waiting;
    if (taker === undefined) return;
    this.#waiting.delete(taker);
    this.lend(taker);
  }

  #open(): Line {
    const line = openLine(this.#options);
    // A kept connection that the receiver has closed, or that grew old: an idle line is nothing without it.
    line.client.on('disconnect', () => {
      if (this.#idle.includes(line)) this.#close(line);
    });
    this.#lines.add(line);
    return line;
  }

  #close(line: Line): void {
    if (!this.#lines.delete(line)) return;
    const at = this.#idle.indexOf(line);
    if (at !== -1) this.#idle.splice(at, 1);
    line.connecting.abort(closed);
    void line.client.destroy();
  }
}

function openLine({ route, connector, room }: PoolOptions): Line {
  const connect = async (): Promise<Socket> => {
    const { signal } = line.connecting;
    line.served = 0;
    line.askedAt = performance.now();
    line.placedAt = null;
    await room.take(signal);
    line.placedAt = performance.now();
    let socket: Socket;
    try {
      socket = await connector.open(route, signal);
      if (socket.destroyed) throw new SendFailed('connection_closed');
    } catch (error) {
      room.giveBack();
      throw error;
    }
    socket.once('close', () => room.giveBack());
    return socket;
  };
  const client = new Client(route.url.origin, {
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: answerHeaderBytesMax,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMsMax,
    // The deadline of an exchange is the only clock: it closes the line.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_options, callback) => {
      connect().then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, null),
      );
    },
  });
  const line: Line = { client, served: 0, askedAt: 0, placedAt: null, connecting: new AbortController() };
  return line;
}
