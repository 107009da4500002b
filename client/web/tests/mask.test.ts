/** Mask and trail as client/mask.py and client/trail.py draw them: landmarks and pictures in FINGERSPELL_VECTORS. */

import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { cropSquare, MASK_SIZE, MASK_VERSION, renderMask, TRAIL_VERSION, type Point } from "../src/mask";
import { encodePng } from "../src/png";
import { Trail } from "../src/trail";

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

/** A movement as Python made it: its frames, whether its trail was drawn after each, and the last trail. */
interface Movement {
  frames: { time: number; points: Point[] | null }[];
  drawn: boolean[];
  trail: string | null;
}

interface Vectors {
  version: string;
  trailVersion: string;
  hands: { points: Point[]; mask: string }[];
  movements: Movement[];
}

const NONE: Vectors = { version: "", trailVersion: "", hands: [], movements: [] };

describe.skipIf(!vectors)("compared with Python's", () => {
  const { version, trailVersion, hands, movements } = vectors ? (JSON.parse(readFileSync(vectors, "utf8")) as Vectors) : NONE;

  test("masks have the same version and nearly the same pixels", () => {
    const pairs = hands.map(({ points, mask }) => [inflate(mask), renderMask(points)] as const);
    expect(version).toBe(MASK_VERSION);
    expect(compare("masks", pairs)).toBeGreaterThan(0.9999);
  });

  test("trails have the same version, are drawn for the same frames, and have nearly the same pixels", { timeout: 120_000 }, () => {
    const pairs: [Uint8Array, Uint8Array][] = [];
    for (const { frames, drawn, trail } of movements) {
      const own = new Trail();
      const pictures = frames.map(({ time, points }) => {
        own.add(time, points);
        return own.draw();
      });
      expect(pictures.map((picture) => picture !== null)).toEqual(drawn);
      const last = pictures.at(-1);
      if (trail && last) pairs.push([inflate(trail), last]);
    }
    expect(trailVersion).toBe(TRAIL_VERSION);
    expect(pairs.length).toBeGreaterThan(100);
    expect(compare("trails", pairs)).toBeGreaterThan(0.9999);
  });
});

const inflate = (picture: string): Uint8Array => inflateSync(Buffer.from(picture, "base64"));

/** The share of equal pixels of pairs of pictures; prints it. */
function compare(name: string, pairs: readonly (readonly [Uint8Array, Uint8Array])[]): number {
  let [same, all, whole] = [0, 0, 0];
  for (const [wanted, drawn] of pairs) {
    let differ = 0;
    for (let at = 0; at < wanted.length; at += 3) {
      differ += Number(wanted[at] !== drawn[at] || wanted[at + 1] !== drawn[at + 1] || wanted[at + 2] !== drawn[at + 2]);
    }
    same += wanted.length / 3 - differ;
    all += wanted.length / 3;
    whole += Number(!differ);
  }
  console.log(`equal pixels of ${name} ${((100 * same) / all).toFixed(4)} %, equal ${name} ${whole} of ${pairs.length}`);
  return same / all;
}
