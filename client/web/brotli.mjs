/** Writes a brotli copy of each file that is named, beside it: `node brotli.mjs FILE ...`. */

import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

const LARGEST_WINDOW = { [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS };

await Promise.all(
  process.argv.slice(2).map(async (path) => {
    const data = await readFile(path);
    const params = { ...LARGEST_WINDOW, [constants.BROTLI_PARAM_SIZE_HINT]: data.length };
    await writeFile(`${path}.br`, await promisify(brotliCompress)(data, { params }));
  }),
);
