import { createHash } from 'node:crypto';
import { request } from 'node:http';
import type { Agent, IncomingMessage } from 'node:http';
import { deflateSync } from 'node:zlib';
import type { Place } from './place.ts';

const zeros = '0'.repeat(40);
const kinds = { commit: 1, tree: 2, blob: 3 } as const;

interface Made {
  readonly id: string;
  readonly packed: Buffer;
}

/** An object of git's: its name, and how it lies in a pack. */
function object(kind: keyof typeof kinds, body: Buffer): Made {
  const id = createHash('sha1').update(`${kind} ${body.length}\0`).update(body).digest('hex');
  const head: number[] = [];
  let rest = body.length >> 4;
  head.push((kinds[kind] << 4) | (body.length & 15) | (rest > 0 ? 128 : 0));
  for (; rest > 0; rest >>= 7) head.push((rest & 127) | (rest > 127 ? 128 : 0));
  return { id, packed: Buffer.concat([Buffer.from(head), deflateSync(body)]) };
}

function packOf(objects: readonly Made[]): Buffer {
  const head = Buffer.from('PACK\0\0\0\u0002\0\0\0\0', 'latin1');
  head.writeUInt32BE(objects.length, 8);
  const bytes = Buffer.concat([head, ...objects.map(({ packed }) => packed)]);
  return Buffer.concat([bytes, createHash('sha1').update(bytes).digest()]);
}

export interface Pusher {
  /** One commit with one changed file, as git pushes it: what refs there are is asked first. Answers when the push itself was begun and ended. */
  push(): Promise<{ readonly after: string; readonly begun: number; readonly ended: number }>;
}

/** A client of one repository: it makes its commits itself, so that the server is measured and not git's client. */
export function createPusher(place: Place, name: string, agent: Agent): Pusher {
  let before = zeros;
  let count = 0;
  const url = `${place.origin}${place.path}${name}.git`;
  const headers = { authorization: place.authorization };
  return {
    async push() {
      count += 1;
      const blob = object('blob', Buffer.from(`${name} ${count} ${'line\n'.repeat(50)}`));
      const tree = object('tree', Buffer.concat([Buffer.from('100644 file\0'), Buffer.from(blob.id, 'hex')]));
      const person = `Ada <ada@example.org> ${1_700_000_000 + count} +0100`;
      const parent = before === zeros ? '' : `parent ${before}\n`;
      const commit = object('commit', Buffer.from(`tree ${tree.id}\n${parent}author ${person}\ncommitter ${person}\n\nCommit ${count}\n`));
      const line = `${before} ${commit.id} refs/heads/main\0 report-status side-band-64k agent=bench`;
      const command = `${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`;
      const body = Buffer.concat([Buffer.from(command, 'latin1'), packOf([commit, tree, blob])]);
      const begun = performance.now();
      await ask(`${url}/info/refs?service=git-receive-pack`, { headers, agent });
      const answer = await ask(`${url}/git-receive-pack`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/x-git-receive-pack-request', 'content-length': String(body.length) },
        agent,
        body,
      });
      if (!answer.includes('ok refs/heads/main')) throw new Error(`The push was refused: ${answer}`);
      before = commit.id;
      return { after: commit.id, begun, ended: performance.now() };
    },
  };
}

interface Asked {
  readonly method?: string;
  readonly headers: Record<string, string>;
  readonly agent: Agent;
  readonly body?: Buffer;
}

async function ask(url: string, { body, ...options }: Asked): Promise<string> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, options, resolve).on('error', reject).end(body);
  });
  const chunks = (await response.toArray()) as Buffer[];
  const text = Buffer.concat(chunks).toString('latin1');
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode} ${text}`);
  return text;
}
