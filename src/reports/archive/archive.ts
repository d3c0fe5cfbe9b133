import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { GatepostError } from '../../errors.ts';
import type { ArtifactStore, StoredObject } from '../../storage/artifacts/store.ts';
import type { ArchiveContents } from './contents.ts';
import { layOut, manifestName } from './manifest.ts';
import type { PlacedFile } from './manifest.ts';
import type { ZipEntry, ZipPlan } from './zip.ts';
import { planZip } from './zip.ts';

/** An archive that is ready to be sent, whole or in parts. */
export interface Archive {
  readonly plan: ZipPlan;
  /** Strong, with its quotes: the same for the same bytes. */
  readonly etag: string;
  /** What the payload of this entry of the plan is in the store, or null where the plan has it in memory. */
  readonly objects: readonly (StoredObject | null)[];
}

/** Objects looked at at once. */
const headsAtOnce = 16;

export interface PlanArchiveOptions {
  readonly organization: string;
  readonly contents: ArchiveContents;
  readonly artifacts: ArtifactStore;
}

/**
 * Lays the archive out and looks at every object on disk. Fails with `artifact_missing` where one is missing, of the wrong size or known to be
 * damaged, so that nothing has been sent by then.
 */
export async function planArchive({ organization, contents, artifacts }: PlanArchiveOptions): Promise<Archive> {
  const { files, manifest } = layOut(organization, contents);
  const bytes = Buffer.from(manifest);
  const heads = await readHeads(organization, files, artifacts);
  const objects = files.map((file) => headOf(heads, file));
  const newest = contents.reports.reduce((latest, report) => Math.max(latest, report.date), 0);
  const entries: ZipEntry[] = [
    { name: manifestName, modified: newest, method: 'stored', crc32: crc32(bytes), bytes: bytes.length, storedBytes: bytes.length },
    ...files.map((file, index) => zipEntry(file, objects[index])),
  ];
  const plan = withPayload(planZip(entries), bytes);
  const etag = `"${createHash('sha256').update(bytes).update(plan.directory).digest('base64url').slice(0, 27)}"`;
  return { plan, etag, objects: [null, ...objects] };
}

async function readHeads(organization: string, files: readonly PlacedFile[], artifacts: ArtifactStore): Promise<Map<string, StoredObject>> {
  const heads = new Map<string, StoredObject>();
  const waiting = new Set(files.map((file) => file.sha256)).values();
  const work = async (): Promise<void> => {
    for (const sha256 of waiting) {
      const head = await artifacts.head(organization, sha256);
      if (head !== null) heads.set(sha256, head);
    }
  };
  await Promise.all(Array.from({ length: headsAtOnce }, work));
  return heads;
}

function headOf(heads: ReadonlyMap<string, StoredObject>, file: PlacedFile): StoredObject {
  const head = heads.get(file.sha256);
  if (head?.bytes === file.bytes) return head;
  throw new GatepostError('internal', 'artifact_missing', 'A file of these reports is missing from the store, or damaged.', {
    // For the log; the answer shows no path.
    cause: new Error(file.path),
  });
}

function zipEntry(file: PlacedFile, object: StoredObject | undefined): ZipEntry {
  if (object === undefined) throw new Error('Every file has an object by now');
  const { method, crc32: crc, bytes, storedBytes } = object;
  return { name: file.path, modified: file.modified, method, crc32: crc, bytes, storedBytes };
}

/** The first entry, the manifest, comes from memory. */
function withPayload(plan: ZipPlan, bytes: Buffer): ZipPlan {
  const segments = plan.segments.map((segment) =>
    'entry' in segment && segment.entry === 0 ? { start: segment.start, length: segment.length, bytes } : segment,
  );
  return { ...plan, segments };
}
