import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { zeroId } from '../src/events/git-facts.ts';
import { flushPacket, packet, packetLength } from '../src/repositories/receive/packets.ts';
import type { GitReport } from '../src/repositories/receive/report.ts';
import { parseReport } from '../src/repositories/receive/report.ts';
import type { RefCommand } from '../src/repositories/refs/refs.ts';

// A client of our own that pushes by one request: quick, for tests that push very often, and free to send what git never would.

export interface GitObject {
  readonly id: string;
  readonly type: 'commit' | 'tree' | 'blob' | 'tag';
  readonly content: Buffer;
}

export function gitObject(type: GitObject['type'], content: Buffer | string): GitObject {
  const bytes = Buffer.from(content);
  const id = createHash('sha1').update(`${type} ${bytes.length}\0`).update(bytes).digest('hex');
  return { id, type, content: bytes };
}

/** A commit with one file, and all that it needs but its parents. */
export function commitObjects(options: { readonly text: string; readonly parents?: readonly string[] }): readonly GitObject[] {
  const blob = gitObject('blob', `${options.text}\n`);
  const tree = gitObject('tree', Buffer.concat([Buffer.from('100644 file\0'), Buffer.from(blob.id, 'hex')]));
  const parents = (options.parents ?? []).filter((id) => id !== zeroId).map((id) => `parent ${id}\n`);
  const who = 'Ada <ada@example.org> 1700000000 +0000';
  const commit = gitObject('commit', `tree ${tree.id}\n${parents.join('')}author ${who}\ncommitter ${who}\n\n${options.text}\n`);
  return [commit, tree, blob];
}

const typeNumbers = { commit: 1, tree: 2, blob: 3, tag: 4 } as const;

/** What stands before an object in a pack: its type and its size, unpacked, which need not be the truth. */
export function objectHead(type: number, size: number): Buffer {
  const bytes: number[] = [];
  let byte = (type << 4) | (size & 15);
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.push(byte | 128);
    byte = rest % 128;
  }
  return Buffer.from([...bytes, byte]);
}

export function packOf(objects: readonly GitObject[]): Buffer {
  return packOfEntries(
    objects.map(({ type, content }) => Buffer.concat([objectHead(typeNumbers[type], content.length), deflateSync(content)])),
  );
}

export function packOfEntries(entries: readonly Buffer[], count = entries.length): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(count, 8);
  const body = Buffer.concat([head, ...entries]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

export interface Sent {
  readonly commands: readonly RefCommand[];
  /** Null: none. */
  readonly pack: Buffer | null;
  readonly capabilities?: readonly string[];
  readonly options?: readonly string[];
}

export const usualCapabilities = ['report-status', 'side-band-64k', 'delete-refs', 'agent=test'];

export function pushBody({ commands, pack, capabilities = usualCapabilities, options }: Sent): Buffer {
  const lines = commands.map(({ before, after, ref }, at) =>
    packet(`${before} ${after} ${ref}${at === 0 ? `\0${capabilities.join(' ')}` : ''}`),
  );
  const pushOptions = options === undefined ? [] : [...options.map((one) => packet(one)), flushPacket];
  return Buffer.concat([...lines, flushPacket, ...pushOptions, pack ?? Buffer.alloc(0)]);
}

export interface PushAnswer {
  readonly status: number;
  /** The plain text of a refusal by status, else what was said to people. */
  readonly text: string;
  readonly report: GitReport | null;
}

/** Sends a push to `…/tool.git`, or wherever. Fails where the line is cut. */
export async function sendPush(url: string, token: string, body: RequestInit['body'] & {}): Promise<PushAnswer> {
  const answer = await fetch(`${url}/git-receive-pack`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-git-receive-pack-request' },
    body,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (answer.status !== 200) return { status: answer.status, text: bytes.toString('utf8'), report: null };
  return { status: 200, ...readAnswer(bytes) };
}

/** Takes the bands apart; without them, all is report. */
export function readAnswer(bytes: Buffer): { readonly text: string; readonly report: GitReport | null } {
  const bands: Record<number, Buffer[]> = { 1: [], 2: [], 3: [] };
  const first = bytes[4] ?? 0;
  if (first > 3) return { text: '', report: parseReport(bytes) };
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = packetLength(bytes.subarray(at, at + 4)) ?? 0;
    if (length > 4) bands[bytes[at + 4] ?? 0]?.push(bytes.subarray(at + 5, at + length));
    at += Math.max(length, 4);
  }
  return {
    text: Buffer.concat([...(bands[2] ?? []), ...(bands[3] ?? [])]).toString('utf8'),
    report: parseReport(Buffer.concat(bands[1] ?? [])),
  };
}
