import { crc32 } from 'node:zlib';
import type { StoredMethod, StoredObject } from './store.ts';

// An object's file: this header, then the payload. Integers are little-endian.
//   0  8  magic `GPOBJECT`      8  1  version (1)       9  1  method: 0 stored, 1 deflated     10  2  zero
//  12  4  CRC-32               16  8  bytes            24  8  stored bytes                     32 32  SHA-256
//  64  4  zero                 68  4  CRC-32 of the 68 bytes before

/** Size of the header, in bytes. */
export const objectHeaderBytes = 72;

const magic = Buffer.from('GPOBJECT', 'latin1');
const version = 1;
const methods: readonly StoredMethod[] = ['stored', 'deflated'];

export function writeObjectHeader(object: StoredObject): Buffer {
  const header = Buffer.alloc(objectHeaderBytes);
  magic.copy(header, 0);
  header.writeUInt8(version, 8);
  header.writeUInt8(methods.indexOf(object.method), 9);
  header.writeUInt32LE(object.crc32, 12);
  header.writeBigUInt64LE(BigInt(object.bytes), 16);
  header.writeBigUInt64LE(BigInt(object.storedBytes), 24);
  header.write(object.sha256, 32, 'hex');
  header.writeUInt32LE(crc32(header.subarray(0, 68)), 68);
  return header;
}

/** What the header says, or null where it is none of ours, or damaged. */
export function readObjectHeader(header: Buffer): StoredObject | null {
  if (header.length < objectHeaderBytes || !magic.equals(header.subarray(0, 8)) || header.readUInt8(8) !== version) return null;
  if (header.readUInt32LE(68) !== crc32(header.subarray(0, 68))) return null;
  const method = methods[header.readUInt8(9)];
  if (method === undefined) return null;
  return {
    sha256: header.toString('hex', 32, 64),
    bytes: Number(header.readBigUInt64LE(16)),
    storedBytes: Number(header.readBigUInt64LE(24)),
    crc32: header.readUInt32LE(12),
    method,
  };
}
