import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { invalid } from '../errors.ts';

export const pageLimitDefault = 100;
export const pageLimitMax = 1000;
/** Longer than any cursor we give out: three parts, one of them a version's key. */
export const cursorCharactersMax = 4096;

/** The two query parameters that every list of `/v1` has. */
export const pageParameters = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: pageLimitMax, default: pageLimitDefault, description: 'How many entries a page holds at most.' }),
  ),
  cursor: Type.Optional(Type.String({ description: 'Where to go on: as the `Link` header of the page before says.' })),
};

/** An opaque, URL-safe text of the key that the next page begins behind. */
export function encodeCursor(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** The key back. Fails with `invalid_cursor` for whatever `encodeCursor` has not made with as many parts. */
export function decodeCursor(text: string, count: number): readonly (string | number)[] {
  const parts = text.length > cursorCharactersMax ? null : parse(text);
  if (!Array.isArray(parts) || parts.length !== count) throw refused();
  return parts.map((part: unknown) => {
    if (typeof part === 'string' || (typeof part === 'number' && Number.isFinite(part))) return part;
    throw refused();
  });
}

function parse(text: string): unknown {
  if (!/^[\w-]+$/.test(text)) return null;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}

function refused(): Error {
  return invalid('invalid_cursor', 'The cursor is not one of ours. Follow the Link header of the page before.');
}

/** Names the next page in the `Link` header: the same call with this cursor, under our public address. */
export function nextLink(request: FastifyRequest, reply: FastifyReply, cursor: string): void {
  const question = request.url.indexOf('?');
  const path = question < 0 ? request.url : request.url.slice(0, question);
  const query = new URLSearchParams(question < 0 ? '' : request.url.slice(question + 1));
  query.set('cursor', cursor);
  reply.header('link', `<${request.server.publicUrl(request)}${path}?${query.toString()}>; rel="next"`);
}
