/** Writes what the page makes of a packed file: `vite-node tests/unpack.ts FILE`. */

import { readFileSync, writeSync } from "node:fs";
import { unpack } from "../src/packing";

const bytes = unpack(readFileSync(process.argv[2]));
for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
