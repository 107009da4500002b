/** Writes what the page makes of a packed file into another: `vite-node tests/unpack.ts FILE OTHER`. */

import { readFileSync, writeFileSync } from "node:fs";
import { unpack } from "../src/packing";

const [from, to] = process.argv.slice(2);
writeFileSync(to, unpack(readFileSync(from)));
