/** The mask as client/mask.py draws it: landmarks and masks in FINGERSPELL_VECTORS, written by Python. */

import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { cropSquare, MASK_SIZE, MASK_VERSION, renderMask, type Point } from "../src/mask";
import { encodePng } from "../src/png";

const { FINGERSPELL_VECTORS: vectors = "" } = process.env;
const HAND = Array.from({ length: 21 }, (_, index): Point => [100 + 10 * (index % 5), 80 + 20 * Math.floor(index / 5)]);

test("is black where there is no hand, and within its margin", () => {
  const mask = renderMask(HAND);
  expect(mask.length).toBe(MASK_SIZE * MASK_SIZE * 3);
  const lit = (y: number) => mask.subarray(y * MASK_SIZE * 3, (y + 1) * MASK_SIZE * 3).some(Boolean);
  expect([lit(0), lit(10), lit(112), lit(MASK_SIZE - 1)]).toEqual([false, false, true, false]);
});

test.each([[[]], [HAND.slice(1)], [[...HAND.slice(1), [NaN, 0] as Point]]])("rejects landmarks that are not a hand", (points) => {
  expect(() => renderMask(points)).toThrow("21 finite landmarks");
});

test("crops a square with a margin of a tenth", () => {
  expect(cropSquare(HAND)).toEqual({ middle: [120, 120], side: 80 / 0.8 });
});

test("becomes a PNG in RGB whose pixels are the mask's", async () => {
  const mask = renderMask(HAND);
  const png = Buffer.from(await encodePng(mask, MASK_SIZE, MASK_SIZE));
  expect(png.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  expect([png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]]).toEqual([MASK_SIZE, MASK_SIZE, 8, 2]);
  const rows = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)));
  for (let y = 0; y < MASK_SIZE; y++) {
    const begin = y * (1 + MASK_SIZE * 3);
    expect(rows[begin]).toBe(0);
    expect(rows.subarray(begin + 1, begin + 1 + MASK_SIZE * 3).equals(mask.subarray(y * MASK_SIZE * 3, (y + 1) * MASK_SIZE * 3))).toBe(true);
  }
});

describe.skipIf(!vectors)("compared with Python's", () => {
  const { version, hands } = vectors
    ? (JSON.parse(readFileSync(vectors, "utf8")) as { version: string; hands: { points: Point[]; mask: string }[] })
    : { version: "", hands: [] };

  test("has the same version and nearly the same pixels", () => {
    let [same, all, whole] = [0, 0, 0];
    for (const { points, mask } of hands) {
      const wanted = inflateSync(Buffer.from(mask, "base64"));
      const drawn = renderMask(points);
      let differ = 0;
      for (let at = 0; at < wanted.length; at += 3) {
        differ += Number(wanted[at] !== drawn[at] || wanted[at + 1] !== drawn[at + 1] || wanted[at + 2] !== drawn[at + 2]);
      }
      same += wanted.length / 3 - differ;
      all += wanted.length / 3;
      whole += Number(!differ);
    }
    console.log(`equal pixels ${((100 * same) / all).toFixed(4)} %, equal masks ${whole} of ${hands.length}`);
    expect(version).toBe(MASK_VERSION);
    expect(same / all).toBeGreaterThan(0.9999);
  });
});
