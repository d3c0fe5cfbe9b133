// A ZIP as a plan: every size, CRC-32 and offset is known before the first byte, because the artefact store keeps them. So the length is
// exact, any range can be sent, and nothing is compressed on the way. APPNOTE 6.3.9 names the fields.

export interface ZipEntry {
  /** Path with `/` between its parts. */
  readonly name: string;
  /** Milliseconds since 1970; shown in UTC, in steps of two seconds. */
  readonly modified: number;
  readonly method: 'stored' | 'deflated';
  readonly crc32: number;
  /** Size unpacked. */
  readonly bytes: number;
  /** Size in the archive. */
  readonly storedBytes: number;
}

/** Where the bytes of a stretch of the archive come from: from memory, or from the payload of the entry with this index. */
export type ZipSegment =
  | { readonly start: number; readonly length: number; readonly bytes: Buffer }
  | { readonly start: number; readonly length: number; readonly entry: number };

export interface ZipPlan {
  readonly length: number;
  /** Ascending, without gaps. */
  readonly segments: readonly ZipSegment[];
  /** The directory at the archive's end, which names every file's place, size and CRC-32. */
  readonly directory: Buffer;
}

/** From these values on a field says "see ZIP64". Smaller ones only in tests. */
export interface Zip64From {
  readonly bytes: number;
  readonly entries: number;
}

const zip64FromDefault: Zip64From = { bytes: 0xffffffff, entries: 0xffff };
const utf8Flag = 0x0800;
const versionNeeded = { plain: 20, zip64: 45 } as const;
/** Made on Unix (3), by version 4.5. */
const madeBy = (3 << 8) | 45;
/** A plain file, readable by all, in the upper half as Unix has it. */
const attributes = (0o100644 << 16) >>> 0;
const largest32 = 0xffffffff;
const largest16 = 0xffff;

/** Lays out the archive. The same entries give the same bytes. */
export function planZip(entries: readonly ZipEntry[], zip64From: Zip64From = zip64FromDefault): ZipPlan {
  const segments: ZipSegment[] = [];
  const directoryParts: Buffer[] = [];
  let at = 0;
  entries.forEach((entry, index) => {
    const name = Buffer.from(entry.name);
    const header = localHeader(entry, name, zip64From);
    directoryParts.push(directoryEntry({ entry, name, offset: at, zip64From }));
    segments.push({ start: at, length: header.length, bytes: header });
    at += header.length;
    if (entry.storedBytes > 0) segments.push({ start: at, length: entry.storedBytes, entry: index });
    at += entry.storedBytes;
  });
  const directory = Buffer.concat(directoryParts);
  const end = Buffer.concat([directory, endOfDirectory({ count: entries.length, size: directory.length, offset: at, zip64From })]);
  segments.push({ start: at, length: end.length, bytes: end });
  return { length: at + end.length, segments, directory };
}

/** Index of the segment that holds the byte at `position`. */
export function segmentAt(plan: ZipPlan, position: number): number {
  let low = 0;
  let high = plan.segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((plan.segments[middle]?.start ?? 0) <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

function isLarge({ bytes, storedBytes }: ZipEntry, zip64From: Zip64From): boolean {
  return bytes >= zip64From.bytes || storedBytes >= zip64From.bytes;
}

function localHeader(entry: ZipEntry, name: Buffer, zip64From: Zip64From): Buffer {
  const large = isLarge(entry, zip64From);
  const extra = large ? zip64Extra([entry.bytes, entry.storedBytes]) : Buffer.alloc(0);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  writeCommon(header, 4, { entry, large });
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, name, extra]);
}

/** The fields that a local header and a directory entry share: from the version needed to the sizes. */
function writeCommon(header: Buffer, at: number, { entry, large }: { readonly entry: ZipEntry; readonly large: boolean }): void {
  header.writeUInt16LE(large ? versionNeeded.zip64 : versionNeeded.plain, at);
  header.writeUInt16LE(utf8Flag, at + 2);
  header.writeUInt16LE(entry.method === 'deflated' ? 8 : 0, at + 4);
  header.writeUInt32LE(dosTime(entry.modified), at + 6);
  header.writeUInt32LE(entry.crc32, at + 10);
  header.writeUInt32LE(large ? largest32 : entry.storedBytes, at + 14);
  header.writeUInt32LE(large ? largest32 : entry.bytes, at + 18);
}

interface DirectoryEntry {
  readonly entry: ZipEntry;
  readonly name: Buffer;
  readonly offset: number;
  readonly zip64From: Zip64From;
}

function directoryEntry({ entry, name, offset, zip64From }: DirectoryEntry): Buffer {
  const large = isLarge(entry, zip64From);
  const far = offset >= zip64From.bytes;
  const extra = large || far ? zip64Extra([...(large ? [entry.bytes, entry.storedBytes] : []), ...(far ? [offset] : [])]) : Buffer.alloc(0);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(madeBy, 4);
  writeCommon(header, 6, { entry, large });
  if (far) header.writeUInt16LE(versionNeeded.zip64, 6);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE(attributes, 38);
  header.writeUInt32LE(far ? largest32 : offset, 42);
  return Buffer.concat([header, name, extra]);
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + values.length * 8);
  extra.writeUInt16LE(0x0001, 0);
  extra.writeUInt16LE(values.length * 8, 2);
  values.forEach((value, index) => extra.writeBigUInt64LE(BigInt(value), 4 + index * 8));
  return extra;
}

interface DirectoryPlace {
  readonly count: number;
  readonly size: number;
  readonly offset: number;
  readonly zip64From: Zip64From;
}

function endOfDirectory({ count, size, offset, zip64From }: DirectoryPlace): Buffer {
  const many = count >= zip64From.entries;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(many ? largest16 : count, 8);
  end.writeUInt16LE(many ? largest16 : count, 10);
  end.writeUInt32LE(size >= zip64From.bytes ? largest32 : size, 12);
  end.writeUInt32LE(offset >= zip64From.bytes ? largest32 : offset, 16);
  if (!many && size < zip64From.bytes && offset < zip64From.bytes) return end;
  const end64 = Buffer.alloc(56 + 20);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(44n, 4);
  end64.writeUInt16LE(madeBy, 12);
  end64.writeUInt16LE(versionNeeded.zip64, 14);
  end64.writeBigUInt64LE(BigInt(count), 24);
  end64.writeBigUInt64LE(BigInt(count), 32);
  end64.writeBigUInt64LE(BigInt(size), 40);
  end64.writeBigUInt64LE(BigInt(offset), 48);
  // The locator behind it says where it begins, on which of the archive's one disks.
  end64.writeUInt32LE(0x07064b50, 56);
  end64.writeBigUInt64LE(BigInt(offset + size), 64);
  end64.writeUInt32LE(1, 72);
  return Buffer.concat([end64, end]);
}

const dosFrom = Date.UTC(1980, 0, 1);
const dosTo = Date.UTC(2107, 11, 31, 23, 59, 58);

/** MS-DOS date (upper half) and time (lower half), in UTC so that every server writes the same. */
function dosTime(ms: number): number {
  const date = new Date(Math.min(dosTo, Math.max(dosFrom, ms)));
  const day = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  return ((day << 16) | time) >>> 0;
}
