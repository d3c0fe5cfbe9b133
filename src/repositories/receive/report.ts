import { zeroId } from '../../events/git-facts.ts';
import type { RefCommand } from '../refs/refs.ts';
import type { AskedCommand } from './push-head.ts';
import { flushPacket, packet, packetLength } from './packets.ts';

/** What git reports of a push. */
export interface GitReport {
  /** `ok`, or why the objects were not taken in. */
  readonly unpack: string;
  /** By ref: null where it moved, else why it did not. */
  readonly refs: ReadonlyMap<string, string | null>;
}

/** Reads git's report (report-status: packet lines with a flush at their end). Null where it is not whole. */
export function parseReport(bytes: Buffer): GitReport | null {
  const refs = new Map<string, string | null>();
  let unpack: string | null = null;
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = packetLength(bytes.subarray(at, at + 4));
    if (length === 0) return unpack === null ? null : { unpack, refs };
    if (length === null || length < 5 || at + length > bytes.length) return null;
    const line = bytes
      .subarray(at + 4, at + length)
      .toString('utf8')
      .replace(/\n$/, '');
    at += length;
    const [word = '', ref = ''] = line.split(' ', 2);
    if (word === 'unpack') unpack = line.slice('unpack '.length);
    else if (word === 'ok') refs.set(ref, null);
    else if (word === 'ng') refs.set(ref, line.slice(4 + ref.length));
  }
  return null;
}

/** What became of one command, as its client is told. */
export interface Outcome {
  /** As the client sent it. */
  readonly asked: AskedCommand;
  /** What git was told instead; the very same where nothing was. */
  readonly done: RefCommand;
  /** Null: it moved. */
  readonly refused: string | null;
}

/**
 * The report for the client. In its second version (`report-status-v2`) a client is told which ref it really was; one that knows the first alone
 * hears of the one it named.
 */
export function reportText(options: { readonly unpack: string; readonly outcomes: readonly Outcome[]; readonly version: 1 | 2 }): Buffer {
  const { unpack, outcomes, version } = options;
  const lines = [packet(`unpack ${oneLine(unpack)}\n`)];
  for (const { asked, done, refused } of outcomes) {
    // By its very bytes: the client knows its ref by no other name.
    const name = asked.nameBytes ?? Buffer.from(asked.ref, 'utf8');
    const said = refused === null ? ['ok ', name, '\n'] : ['ng ', name, ` ${oneLine(refused)}\n`];
    lines.push(packet(Buffer.concat(said.map((part) => Buffer.from(part)))));
    if (refused !== null || version === 1 || asked.ref === done.ref) continue;
    lines.push(packet(`option refname ${done.ref}\n`));
    if (done.before !== zeroId) lines.push(packet(`option old-oid ${done.before}\n`));
    lines.push(packet(`option new-oid ${done.after}\n`));
  }
  return Buffer.concat([...lines, flushPacket]);
}

/** A report's line ends with its line. */
function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 500);
}
