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

/** An object that is open for reading. Whoever opened it closes it. */
export interface StoredReader {
  readonly object: StoredObject;
  /**
   * Fills `into` with the bytes as they lie in the store, from `position` on (0 is the first byte after the object's own header), and says how
   * many there were: less than asked for at the end, 0 past it. The buffer is the caller's, so that a long download allocates nothing.
   */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
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
  /** Opens an object, or null where `head` would say null. */
  open(organization: string, sha256: string): Promise<StoredReader | null>;
  /** The bytes as they came. Fails with `artifact_missing`, or with `artifact_damaged` as soon as they are seen not to be what was put. */
  read(organization: string, sha256: string): AsyncIterable<Uint8Array>;
  /** The bytes as they lie in the store, from `start` to before `end`. */
  readStored(organization: string, sha256: string, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
  /**
   * Reads all of it and compares size, CRC-32 and SHA-256. What is found damaged is set aside: `head` says null from then on, its bytes are
   * never given out again, and the next `put` of the same bytes mends it.
   */
  verify(organization: string, sha256: string): Promise<'sound' | 'missing' | 'damaged'>;
  /** Every object there is, in no order. */
  list(): AsyncIterable<{ readonly organization: string; readonly sha256: string; readonly modified: number }>;
  remove(organization: string, sha256: string): Promise<void>;
  /** Removes an object that was last put before `modifiedBefore` (ms since 1970); one that was put again meanwhile stays, and false comes back. */
  removeUnused(organization: string, sha256: string, modifiedBefore: number): Promise<boolean>;
  /** The id of this store, made when it is first asked for: tells two nodes whether they share one. */
  identity(): Promise<string>;
  /** Removes temporary files older than `olderThan` (ms since 1970) that a crash left behind; a put under way in this store keeps its own. */
  removeLeftovers(olderThan: number): Promise<number>;
}
