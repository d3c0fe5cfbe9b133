import type { Readable } from 'node:stream';
import { onBand, packetLength } from './packets.ts';
import type { GitReport } from './report.ts';
import { parseReport } from './report.ts';

/** git's report is held until what it says is recorded; of each ref it has a line. */
export const reportBytesMax = 16 * 2 ** 20;

export interface GitOutput {
  /** Whole packets of band 2 as they come: for people. */
  readonly message: (packets: Buffer) => void;
  /** What must not be shown: where repositories lie. */
  readonly hidden: string;
}

/** Reads all that receive-pack writes: the report of band 1 is answered at its end (null where there is none), the rest handed on. */
export async function readGitOutput(stdout: Readable, { message, hidden }: GitOutput): Promise<GitReport | null> {
  const report: Buffer[] = [];
  let bytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  const take = (band: number | undefined, content: Buffer): void => {
    if (band === 1) {
      bytes += content.length;
      if (bytes <= reportBytesMax) report.push(content);
    } else message(onBand(2, withoutPlace(content, hidden)));
  };
  try {
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      for (;;) {
        const length = rest.length - at < 4 ? null : packetLength(rest.subarray(at, at + 4));
        if (length === null || at + Math.max(length, 4) > rest.length) break;
        if (length > 4) take(rest[at + 4], rest.subarray(at + 5, at + length));
        at += Math.max(length, 4);
      }
      rest = rest.subarray(at);
    }
  } catch {
    // It was ended: what came so far counts.
  }
  return parseReport(Buffer.concat(report));
}

function withoutPlace(content: Buffer, hidden: string): Buffer {
  return content.includes(hidden) ? Buffer.from(content.toString('utf8').replaceAll(hidden, '.'), 'utf8') : content;
}
