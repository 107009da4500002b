/** PNG of an RGB picture (https://www.w3.org/TR/png-3/): a browser's own encoder adds an alpha channel. */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Bytes of a block that is not compressed. */
const LARGEST_BLOCK = 65_535;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

/** Encode width x height RGB pixels, row by row, 8 bits a channel. */
export async function encodePng(pixels: Uint8Array, width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const rows = new Uint8Array(height * (1 + width * 3)); // each row starts with its filter, 0: none
  for (let y = 0; y < height; y++) {
    rows.set(pixels.subarray(y * width * 3, (y + 1) * width * 3), y * (1 + width * 3) + 1);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 2], 8); // 8 bits, RGB
  const parts = [
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", header),
    chunk("IDAT", await deflate(rows)),
    chunk("IEND", new Uint8Array()),
  ];
  const png = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    png.set(part, at);
    at += part.length;
  }
  return png;
}

/** Compress (https://www.rfc-editor.org/rfc/rfc1950), or store as it is where the browser has no compression. */
async function deflate(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  if (!("CompressionStream" in globalThis)) return store(data);
  const stream = new Blob([data]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Zlib data of blocks that are not compressed. */
function store(data: Uint8Array): Uint8Array {
  const blocks = Math.ceil(data.length / LARGEST_BLOCK);
  const stored = new Uint8Array(2 + 5 * blocks + data.length + 4);
  const fields = new DataView(stored.buffer);
  fields.setUint16(0, 0x7801);
  let at = 2;
  for (let from = 0; from < data.length; from += LARGEST_BLOCK) {
    const block = data.subarray(from, from + LARGEST_BLOCK);
    fields.setUint8(at, from + block.length === data.length ? 1 : 0); // 1: the last one
    fields.setUint16(at + 1, block.length, true);
    fields.setUint16(at + 3, ~block.length, true);
    stored.set(block, at + 5);
    at += 5 + block.length;
  }
  fields.setUint32(at, adler(data));
  return stored;
}

/** Adler-32. */
function adler(data: Uint8Array): number {
  let [sum, sums] = [1, 0];
  for (const byte of data) {
    sum = (sum + byte) % 65521;
    sums = (sums + sum) % 65521;
  }
  return ((sums << 16) | sum) >>> 0;
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let index = 0; index < 4; index++) bytes[4 + index] = name.charCodeAt(index);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
