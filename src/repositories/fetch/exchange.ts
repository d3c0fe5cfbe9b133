import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalid } from '../../errors.ts';
import type { Caller } from '../../http/caller.ts';
import type { Repository } from '../repository.ts';

/** What git serves by: one word a direction. */
export type GitService = 'git-upload-pack' | 'git-receive-pack';

/** One request of git's that was let in: its token may do this, the repository is there and on this node. */
export interface GitExchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly caller: Caller;
  readonly repository: Repository;
  /** As `Git-Protocol` says, checked: a value for GIT_PROTOCOL. Empty without it. */
  readonly protocol: string;
  /** The public base of our links. */
  readonly serverUrl: string;
  /** Aborted when the client has gone before all was sent. */
  readonly gone: AbortSignal;
}

/** Answers a request by its reply, whole; what it throws becomes plain text that git shows. */
export type AnswerGit = (exchange: GitExchange) => Promise<FastifyReply>;

/** Whose place git takes, for fetches and pushes alike: the organization's, and of its places the token's. */
export function sharesOf({ organization, token }: Pick<Caller, 'organization' | 'token'>): readonly string[] {
  return [organization, token];
}

/** Aborted when the client leaves before it has the whole answer. */
export function goneSignal({ raw }: FastifyReply): AbortSignal {
  const abort = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) abort.abort();
  });
  return abort.signal;
}

/** Of `Git-Protocol`; git itself sends less than twenty. */
export const protocolCharactersMax = 256;

/** The value for GIT_PROTOCOL. It reaches git's environment, so nothing but `key=value:key` of letters and digits is let through. */
export function checkedProtocol(header: string | readonly string[] | undefined): string {
  if (header === undefined) return '';
  const isFine = typeof header === 'string' && header.length <= protocolCharactersMax;
  if (!isFine || !/^[a-z0-9-]+(=[a-z0-9.-]*)?(:[a-z0-9-]+(=[a-z0-9.-]*)?)*$/i.test(header)) {
    throw invalid('invalid_git_protocol', 'The header Git-Protocol is not one that git sends.');
  }
  return header;
}

/** The headers of what git answers: nobody on the way keeps it. */
export function gitHeaders(reply: FastifyReply, contentType: string): FastifyReply {
  return reply
    .header('content-type', contentType)
    .header('cache-control', 'no-cache, max-age=0, must-revalidate')
    .header('expires', 'Fri, 01 Jan 1980 00:00:00 GMT')
    .header('pragma', 'no-cache');
}
