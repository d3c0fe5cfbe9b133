import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileHeader, FindingLine, Reason } from './file.ts';
import type { IsNew } from './new-code.ts';
import { linesOf, type Plan } from './pages.ts';
import { createDistinct, isAside, isGone } from './survey.ts';

export interface WriteJob {
  readonly directory: string;
  readonly file: string;
  readonly plan: Plan;
  readonly header: FileHeader;
  readonly reasons: ReadonlyMap<string, Reason>;
  readonly isNew: IsNew;
}

/** Writes the fetched file from the pages on disk: each finding once, mended ones left out. */
export async function writeFetched(job: WriteJob): Promise<void> {
  await pipeline(Readable.from(chunksOf(job)), createWriteStream(job.file));
}

const chunkCharacters = 64 * 1024;

async function* chunksOf(job: WriteJob): AsyncGenerator<string> {
  const distinct = createDistinct();
  let chunk = `${JSON.stringify(job.header)}\n`;
  for await (const line of linesOf(job.directory, job.plan)) {
    if (line === null || !distinct(line) || isGone(line)) continue;
    chunk += `${JSON.stringify(completed(line, job))}\n`;
    if (chunk.length < chunkCharacters) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}

/** A finding with what searches do not tell of it. A comment alone is no reason: people comment on open issues too. */
function completed(line: FindingLine, { reasons, isNew }: WriteJob): FindingLine {
  const { reason: commented, ...rest } = line;
  const isInNewCode = isNew(line);
  const decided = isAside(line) ? reasons.get(line.key) : undefined;
  const reason = isAside(line) ? { ...(commented === undefined ? {} : { comment: commented.comment }), ...decided } : undefined;
  return {
    ...rest,
    ...(isInNewCode === undefined ? {} : { new: isInNewCode }),
    ...(reason === undefined || Object.keys(reason).length === 0 ? {} : { reason }),
  };
}
