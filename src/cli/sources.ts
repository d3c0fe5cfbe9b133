import { GatepostError } from '../errors.ts';
import { usageError } from './command.ts';
import type { Server } from './server.ts';
import { field } from './server.ts';

export interface FoundSource {
  readonly id: string;
  readonly name: string;
}

/** The source of this id or name. Fails with `unknown_source`, and with `usage` where several have the name. */
export async function findSource(server: Server, word: string): Promise<FoundSource> {
  const found: FoundSource[] = [];
  for (let next: string | undefined = '/v1/sources?limit=100'; next !== undefined; ) {
    const { body, headers } = await server.json(next);
    const { sources } = body as { readonly sources: readonly unknown[] };
    for (const one of sources) {
      const [id, name] = [field(one, 'id') ?? '', field(one, 'name') ?? ''];
      if (id === word) return { id, name };
      if (name === word) found.push({ id, name });
    }
    next = /<([^>]+)>; rel="next"/.exec(String(headers['link'] ?? ''))?.[1];
  }
  const [only] = found;
  if (only === undefined) throw new GatepostError('not_found', 'unknown_source', `There is no source "${word}".`);
  if (found.length > 1)
    throw usageError(`Several sources are called "${word}": ${found.map(({ id }) => id).join(', ')}. Name one by its id.`);
  return only;
}
