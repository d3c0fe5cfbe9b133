import type { FastifyRequest } from 'fastify';
import type { GitService } from './exchange.ts';

/** How clients that speak git call themselves; isomorphic-git, libgit2 and dulwich begin as git does. */
const gitAgents = /^(git|jgit|go-git)\//i;

function packetLine(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0'), 'latin1'), bytes]);
}

/** `# service=git-upload-pack` as a packet line, and the flush behind it. */
export function serviceLine(service: GitService): Buffer {
  return Buffer.concat([packetLine(`# service=${service}\n`), Buffer.from('0000', 'latin1')]);
}

/**
 * A refusal as git tells one (gitprotocol-pack: `ERR`), which its clients show as `remote error: …`; of another status than 200 they show the number,
 * and what they had waited for. Null where who asks is no git, or what was asked for is answered otherwise.
 */
export function gitsWords(request: FastifyRequest, message: string): { readonly contentType: string; readonly content: Buffer } | null {
  if (!gitAgents.test(request.headers['user-agent'] ?? '')) return null;
  const refusal = packetLine(`ERR ${message}\n`);
  const path = request.url.split('?', 1)[0] ?? '';
  if (path.endsWith('/git-upload-pack')) return { contentType: 'application/x-git-upload-pack-result', content: refusal };
  const { service } = request.query as { readonly service?: unknown };
  if (!path.endsWith('/info/refs') || (service !== 'git-upload-pack' && service !== 'git-receive-pack')) return null;
  return { contentType: `application/x-${service}-advertisement`, content: Buffer.concat([serviceLine(service), refusal]) };
}
