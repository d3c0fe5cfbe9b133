import type { Dispatcher } from 'undici';
import { failureOf, SendFailed } from './failure.ts';
import { AddressRefused } from './guard.ts';
import type { Answer, Outgoing } from './outgoing.ts';
import { answerBytesMax } from './outgoing.ts';
import type { Line, Pool, Taker } from './pool.ts';
import type { RedirectFault } from './redirect.ts';
import { headersForOtherOrigin, redirectTarget } from './redirect.ts';

/** Of the deadline so much must be left for a request to go out: what goes out at its very end is answered too late, and repeated for nothing. */
const leastLeft = 0.05;

const nothing = Buffer.alloc(0);

export interface ExchangeOptions {
  readonly outgoing: Outgoing;
  readonly pool: Pool;
  /** The connections to where a redirect leads. */
  readonly poolFor: (target: URL) => Pool;
  readonly deadlineMs: number;
  readonly answer: (answer: Answer) => void;
}

/**
 * One request and what comes of it, from the first step to the kept answer, within one deadline. There is one object for each: this path is
 * walked for every delivery. A class, since undici calls its handler's methods by name.
 */
export class Exchange implements Dispatcher.DispatchHandler, Taker {
  readonly #options: ExchangeOptions;
  readonly #started = performance.now();
  readonly #timer: NodeJS.Timeout;
  #pool: Pool;
  #url: URL;
  /** Path and query. */
  #path: string;
  #headers: readonly string[];
  #line: Line | null = null;
  /** The request went out over a connection that had served before. */
  #wasKept = false;
  #status: number | null = null;
  #answerHeaders: Readonly<Record<string, string>> = {};
  #pieces: Buffer[] | null = null;
  #bytes = 0;
  /** Where the redirect that is being followed leads, until it is followed. */
  #target: URL | null = null;
  /** Why the redirect that came cannot be followed. */
  #fault: RedirectFault | null = null;
  /** The redirect that was followed, as it came. */
  #redirect: Pick<Answer, 'status' | 'headers'> | null = null;
  #isDone = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#pool = options.pool;
    const { url, target = targetOf(url) } = options.outgoing;
    this.#url = url;
    this.#path = target;
    this.#headers = options.outgoing.headers;
    this.#timer = setTimeout(expire, options.deadlineMs, this);
  }

  start(): void {
    this.#pool.lend(this);
  }

  begin(line: Line): void {
    const { deadlineMs } = this.#options;
    if (performance.now() - this.#started > deadlineMs * (1 - leastLeft)) {
      this.#finish(new SendFailed('timeout'));
      this.#pool.discard(line);
      return;
    }
    this.#line = line;
    const headers = this.#headers as string[];
    line.client.dispatch({ method: 'POST', path: this.#path, headers, body: this.#options.outgoing.body, blocking: false }, this);
  }

  fail(error: Error): void {
    if (!this.#isDone) this.#finish(error);
  }

  /** The deadline has passed: the status decides where there is one, and the line is closed, whatever it is at. */
  expire(): void {
    const line = this.#line;
    this.#pool.leave(this);
    this.#finish(new SendFailed(this.#wasKeptWaiting() ? 'out_of_connections' : 'timeout'));
    if (line !== null) this.#pool.discard(line);
  }

  /** For most of the deadline there was no connection to be had: that is not the receiver's doing. */
  #wasKeptWaiting(): boolean {
    if (this.#line === null) return false;
    const { askedAt, placedAt } = this.#line;
    return askedAt >= this.#started && (placedAt ?? performance.now()) - askedAt > this.#options.deadlineMs / 2;
  }

  onRequestStart(): void {
    this.#wasKept = (this.#line?.served ?? 0) > 0;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200 || this.#isDone) return;
    this.#status = status;
    this.#answerHeaders = flat(headers);
    if (this.#redirect !== null || this.#options.outgoing.transport.redirects === 0) return;
    const target = redirectTarget(status, this.#answerHeaders, this.#url);
    if (typeof target === 'string') this.#fault = target;
    else this.#target = target;
    // What a redirect says besides is nobody's answer, and might never end.
    if (this.#target !== null && this.#answerHeaders['content-length'] !== '0') controller.abort(new SendFailed('redirect_not_followed'));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isDone) return;
    const room = answerBytesMax - this.#bytes;
    // Copied: a piece of a large buffer would hold all of it.
    const piece = Buffer.from(chunk.length > room ? chunk.subarray(0, room) : chunk);
    if (this.#pieces === null) this.#pieces = [piece];
    else this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (chunk.length <= room) return;
    this.#finish(null);
    this.#discardLine();
  }

  onResponseEnd(): void {
    const line = this.#line;
    this.#line = null;
    if (line !== null) this.#pool.giveBack(line);
    if (!this.#isDone) this.#ended(null);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#discardLine();
    if (!this.#isDone) this.#ended(error);
  }

  #discardLine(): void {
    const line = this.#line;
    this.#line = null;
    if (line !== null) this.#pool.discard(line);
  }

  #ended(error: Error | null): void {
    if (this.#target !== null) this.#follow(this.#target);
    else if (this.#status === null && this.#wasKept && error !== null && failureOf(error).code === 'connection_closed') this.#again();
    else this.#finish(error);
  }

  /**
   * A kept connection may be closed by the receiver at the very moment we use it. Then nothing was answered and nobody can tell whether it was
   * read, so it is sent again, under the same id and within the same deadline, over another: until one is new.
   */
  #again(): void {
    this.#wasKept = false;
    this.#pool.lend(this);
  }

  /** The same request goes to where the redirect leads; to another origin without what was meant for the first alone. */
  #follow(target: URL): void {
    this.#redirect = { status: this.#status, headers: this.#answerHeaders };
    this.#target = null;
    this.#status = null;
    this.#wasKept = false;
    this.#pieces = null;
    this.#bytes = 0;
    if (target.origin !== this.#url.origin) {
      this.#headers = headersForOtherOrigin(this.#headers);
      this.#pool = this.#options.poolFor(target);
    }
    this.#url = target;
    this.#path = targetOf(target);
    this.#pool.lend(this);
  }

  #finish(error: Error | null): void {
    this.#isDone = true;
    clearTimeout(this.#timer);
    const durationMs = Math.round(performance.now() - this.#started);
    const status = this.#status;
    if (status === null) this.#options.answer(this.#unanswered(error, durationMs));
    else {
      this.#options.answer({
        status,
        headers: this.#answerHeaders,
        body: this.#body(),
        failure: status >= 300 && status < 400 ? this.#redirectFailure() : null,
        reason: this.#fault,
        durationMs,
      });
    }
  }

  #body(): Buffer {
    if (this.#pieces === null) return nothing;
    const [only] = this.#pieces;
    return this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces);
  }

  #redirectFailure(): Answer['failure'] {
    return this.#fault === null ? 'redirect_not_followed' : 'redirect_invalid';
  }

  #unanswered(error: Error | null, durationMs: number): Answer {
    if (this.#redirect !== null && error instanceof AddressRefused) {
      return { ...this.#redirect, body: nothing, failure: 'redirect_refused', reason: error.reason, durationMs };
    }
    const { code, reason } = failureOf(error ?? new SendFailed('answer_invalid'));
    return { status: null, headers: {}, body: null, failure: code, reason, durationMs };
  }
}

function targetOf(url: URL): string {
  return url.pathname + url.search;
}

function expire(exchange: Exchange): void {
  exchange.expire();
}

function flat(headers: Record<string, string | string[] | undefined>): Readonly<Record<string, string>> {
  for (const name in headers) {
    const value = headers[name];
    if (typeof value !== 'string') headers[name] = value === undefined ? '' : value.join(', ');
  }
  return headers as Record<string, string>;
}
