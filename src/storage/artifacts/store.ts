/** How an object's bytes lie in the store. `deflated` is raw DEFLATE (RFC 1951), so that a ZIP takes it as it is. */
export type StoredMethod = 'stored' | 'deflated';

export interface StoredObject {
  /** Of the bytes as they came, lower-case hexadecimal. With the organization, the object's name. */
  readonly sha256: string;
  /** Size of the bytes as they came. */
  readonly bytes: number;
  /** Size as it lies in the store, without the object's own header. */
  readonly storedBytes: number;
  /** CRC-32 of the bytes as they came, unsigned. */
  readonly crc32: number;
  readonly method: StoredMethod;
}

export interface PutOptions {
  /** DEFLATE level 1 to 9, or 0: keep as it is (PDF, ZIP). */
  readonly level: number;
  /** More than this and `put` fails with `artifact_too_large`, leaving nothing behind. */
  readonly bytesMax: number;
}

/**
 * Files by organization and SHA-256, written once and never over. An object is on disk, file and directory, when `put` answers.
 * Two organizations never share an object, even of the same bytes.
 */
export interface ArtifactStore {
  /** Keeps the bytes. Fails with `storage_full` where the disk is full; a put that fails leaves nothing half there. */
  put(organization: string, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<StoredObject>;
  /** What is known of an object from its own header and its size on disk, or null where it is missing or cut short. */
  head(organization: string, sha256: string): Promise<StoredObject | null>;
  /** The bytes as they came. */
  read(organization: string, sha256: string): AsyncIterable<Uint8Array>;
  /** The bytes as they lie in the store, from `start` to before `end`. */
  readStored(organization: string, sha256: string, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
  /** Reads all of it and compares size, CRC-32 and SHA-256. */
  verify(organization: string, sha256: string): Promise<'sound' | 'missing' | 'damaged'>;
  /** Every object there is, in no order. */
  list(): AsyncIterable<{ readonly organization: string; readonly sha256: string; readonly modified: number }>;
  remove(organization: string, sha256: string): Promise<void>;
  /** Removes the temporary files of puts that a crash interrupted and that are older than `olderThan` (ms since 1970). */
  removeLeftovers(olderThan: number): Promise<number>;
}
