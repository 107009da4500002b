/** Undoes `pack_weights` of stages/export/packing.py. */

/** Put the bytes of 16-bit numbers back in order: their high bytes come first, then the low ones sorted by the high ones. */
export function unpack(packed: Uint8Array): Uint8Array<ArrayBuffer> {
  const half = packed.length >> 1;
  const [high, low] = [packed.subarray(0, half), packed.subarray(half, 2 * half)];
  const next = new Uint32Array(257); // where the low bytes of each high one begin
  for (const byte of high) next[byte + 1]++;
  for (let byte = 0; byte < 256; byte++) next[byte + 1] += next[byte];
  const bytes = new Uint8Array(packed); // an odd last byte stays where it is
  for (let at = 0; at < half; at++) {
    bytes[2 * at] = low[next[high[at]]++];
    bytes[2 * at + 1] = high[at];
  }
  return bytes;
}
