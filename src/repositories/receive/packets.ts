/** What one packet line holds at most, behind its four digits. */
export const packetBytesMax = 65_516;
/** What one packet of a side band holds at most: its first byte names the band. */
const bandBytesMax = packetBytesMax - 1;

export const flushPacket = Buffer.from('0000', 'latin1');

/** `000ehello` for `hello\n`-like content: its length in four hexadecimal digits, counted with them. */
export function packet(content: Buffer | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0'), 'latin1'), bytes]);
}

/** The length that four digits say, or null where they are none. */
export function packetLength(digits: Buffer): number | null {
  const text = digits.toString('latin1');
  return /^[0-9a-fA-F]{4}$/.test(text) ? Number.parseInt(text, 16) : null;
}

/** Band 1: what the client reads. Band 2: what it shows to people, each line as `remote: …`. Band 3: its end, with the reason. */
export function onBand(band: 1 | 2 | 3, content: Buffer): Buffer {
  const packets: Buffer[] = [];
  for (let from = 0; from < content.length; from += bandBytesMax) {
    packets.push(packet(Buffer.concat([Buffer.from([band]), content.subarray(from, from + bandBytesMax)])));
  }
  return Buffer.concat(packets);
}
