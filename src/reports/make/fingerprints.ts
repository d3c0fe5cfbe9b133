/** Distinct fingerprints by number, in the order they came: about 25 bytes each where a Map of strings needs a hundred. */
export interface FingerprintTable {
  readonly size: number;
  /** The fingerprint's number, or -1. */
  find(fingerprint: string): number;
  /** The fingerprint's number, which is `size` before the call for one that is new. */
  add(fingerprint: string): number;
}

const keyBytes = 16;
const initialSlots = 1024;
/** Share of slots in use, in percent, at which the table grows. */
const fullPercent = 60;

/** Takes fingerprints of 32 hexadecimal digits, which are hashes themselves, so their first bytes spread well enough. */
export function createFingerprintTable(): FingerprintTable {
  let keys = Buffer.alloc(initialSlots * keyBytes);
  let slots = new Int32Array(initialSlots);
  let size = 0;
  const key = Buffer.alloc(keyBytes);

  const read = (fingerprint: string): void => {
    if (fingerprint.length !== 2 * keyBytes || key.write(fingerprint, 'hex') !== keyBytes) {
      throw new TypeError('A fingerprint is 32 hexadecimal digits');
    }
  };
  /** The slot that holds the key, or the free one where it would go. Slots hold the number plus one, zero is free. */
  const slotOf = (source: Buffer, offset: number): number => {
    const mask = slots.length - 1;
    for (let slot = source.readUInt32LE(offset) & mask; ; slot = (slot + 1) & mask) {
      const number = (slots[slot] ?? 0) - 1;
      if (number < 0) return slot;
      if (source.compare(keys, number * keyBytes, (number + 1) * keyBytes, offset, offset + keyBytes) === 0) return slot;
    }
  };
  const grow = (): void => {
    slots = new Int32Array(slots.length * 2);
    for (let number = 0; number < size; number += 1) slots[slotOf(keys, number * keyBytes)] = number + 1;
  };

  return {
    get size() {
      return size;
    },
    find(fingerprint) {
      read(fingerprint);
      return (slots[slotOf(key, 0)] ?? 0) - 1;
    },
    add(fingerprint) {
      read(fingerprint);
      const slot = slotOf(key, 0);
      const number = (slots[slot] ?? 0) - 1;
      if (number >= 0) return number;
      if ((size + 1) * keyBytes > keys.length) keys = Buffer.concat([keys, Buffer.alloc(keys.length)]);
      key.copy(keys, size * keyBytes);
      size += 1;
      slots[slot] = size;
      if (size * 100 > slots.length * fullPercent) grow();
      return size - 1;
    },
  };
}
