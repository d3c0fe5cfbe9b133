import type { Readable } from 'node:stream';
import { GatepostError } from '../../errors.ts';
import type { Git, GitProcess } from '../git/git.ts';
import type { BodyLimits } from './body.ts';
import { createBodyReader } from './body.ts';
import type { AnswerGit, GitExchange, GitService } from './exchange.ts';
import { gitHeaders, sharesOf } from './exchange.ts';
import { serviceLine } from './gits-words.ts';
import { createReceiveRefs } from './receive-refs.ts';
import type { StallLimits } from './stall.ts';
import { watchStall } from './stall.ts';

export interface FetchOptions {
  readonly git: Git;
  readonly stall?: StallLimits;
  readonly body?: BodyLimits;
  /** True: which refs there are is always git's to tell. */
  readonly asksGit?: boolean;
}

/** What a client learns first: which refs there are, or (protocol v2) what the server can do. */
export type AnswerRefs = (exchange: GitExchange, service: GitService) => ReturnType<AnswerGit>;

/** `GET …/info/refs?service=…` of both services. */
export function createInfoRefs({ git, stall, asksGit = false }: FetchOptions): AnswerRefs {
  // Of protocol v2 it says what git can do, which is the same for every repository until the server starts anew.
  let abilities: Promise<Buffer> | null = null;
  const receiveRefs = createReceiveRefs(git);
  return async (exchange, service) => {
    const { reply, repository, protocol } = exchange;
    gitHeaders(reply, `application/x-${service}-advertisement`);
    const args = [service.replace('git-', ''), '--http-backend-info-refs', git.directory(repository.id)];
    if (service === 'git-upload-pack' && protocol === 'version=2') {
      abilities ??= git
        .run({ repository: repository.id, args, environment: { GIT_PROTOCOL: protocol } })
        .then(({ stdout }) => Buffer.concat([serviceLine(service), stdout]))
        .catch((error: unknown) => {
          abilities = null;
          throw error;
        });
      return reply.send(await abilities);
    }
    if (service === 'git-receive-pack' && !asksGit) {
      const refs = await receiveRefs.read(repository.id);
      if (refs !== null) return reply.send(Buffer.concat([serviceLine(service), refs]));
    }
    const process = await serve(git, exchange, args);
    process.stdin.end();
    return sendOutput({ git, exchange, process, stall, head: serviceLine(service) });
  };
}

/** `POST …/git-upload-pack`: what a clone or fetch asked for, as fast as the client takes it. */
export function createUploadPack({ git, stall, body }: FetchOptions): AnswerGit {
  const bodies = createBodyReader(body);
  return async (exchange) => {
    const { request, reply, repository } = exchange;
    const asked = await bodies.read(request, exchange.caller.organization);
    gitHeaders(reply, 'application/x-git-upload-pack-result');
    const process = await serve(git, exchange, ['upload-pack', '--stateless-rpc', git.directory(repository.id)]);
    process.stdin.end(asked);
    return sendOutput({ git, exchange, process, stall });
  };
}

function serve(git: Git, { repository, caller, protocol, gone }: GitExchange, args: readonly string[]): Promise<GitProcess> {
  return git.start({
    repository: repository.id,
    args,
    lane: 'serve',
    shares: sharesOf(caller),
    signal: gone,
    ...(protocol === '' ? {} : { environment: { GIT_PROTOCOL: protocol } }),
  });
}

interface Output {
  readonly git: Git;
  readonly exchange: GitExchange;
  readonly process: GitProcess;
  readonly stall: StallLimits | undefined;
  readonly head?: Buffer;
}

/** Sends what git writes. Where it writes nothing at all and fails, that is an error of ours; what fails later is told by git itself. */
async function sendOutput({ git, exchange, process, stall, head }: Output): ReturnType<AnswerGit> {
  const { request, reply } = exchange;
  void process.ended.then(({ status, signal, stderr }) => {
    if (status !== 0) request.log.warn({ status, signal, stderr, repository: exchange.repository.id }, 'git ended with a failure');
  });
  const begun = await begins(process.stdout);
  if (!begun && head === undefined) {
    const { status, stderr } = await process.ended;
    // An empty answer is right where the client asked for nothing.
    if (status !== 0) throw new GatepostError('internal', 'git_failed', 'git failed.', { cause: new Error(stderr) });
  }
  watchStall({
    response: reply.raw,
    areOthersWaiting: () => git.load().waiting > 0,
    onCut() {
      request.notes['code'] = 'client_too_slow';
    },
    ...(stall === undefined ? {} : { limits: stall }),
  });
  if (head !== undefined) process.stdout.unshift(head);
  return reply.send(process.stdout);
}

/** Waits for the first byte: true once it is there to be read, false where the stream ended without one. */
function begins(stream: Readable): Promise<boolean> {
  if (stream.readableLength > 0) return Promise.resolve(true);
  if (stream.readableEnded || stream.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (): void => {
      stream.off('readable', settle).off('end', settle).off('close', settle);
      resolve(stream.readableLength > 0);
    };
    stream.once('readable', settle).once('end', settle).once('close', settle);
  });
}
