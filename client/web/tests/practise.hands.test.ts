/**
 * Practise on hands: tests/web/test_practise.py writes landmarks, letters and what the network reads into FINGERSPELL_HANDS.
 * What is right and what is wrong is named for a whole set of hands; the figures are printed.
 */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Point } from "../src/mask";
import { diagnose, type Part } from "../src/practise/diagnosis";
import type { PoseModel } from "../src/practise/pose";

interface Hand {
  letter: string;
  /** The letter that the network reads. */
  read: string;
  left: boolean;
  points: Point[];
}

interface HandSet {
  hands: Hand[];
  /** Pairs of a letter asked for and one shown, with the parts that differ by the table of handshapes. */
  pairs: { asked: string; shown: string; differ: Part[] }[];
  /** What must be reached: of right hands, and of pairs. */
  least: { right: number; pairs: number };
}

const sets = Object.entries(
  JSON.parse(process.env.FINGERSPELL_HANDS ? readFileSync(process.env.FINGERSPELL_HANDS, "utf8") : "{}") as Record<
    string,
    HandSet
  >,
);
const model = JSON.parse(
  readFileSync(new URL("../src/practise/pose.json", import.meta.url), "utf8"),
) as PoseModel;

test.skipIf(!sets.length).each(sets)("%s: right hands are right, and wrong fingers are named", (name, set) => {
  const known = set.hands.filter(({ letter, read }) => letter === read);
  const right = known.filter(({ letter, points, left }) => diagnose(model, letter, points, left).right);
  const share = right.length / known.length;
  const pairs = set.pairs.map(({ asked, shown, differ }) => {
    const found = known
      .filter(({ letter }) => letter === shown)
      .map(({ points, left }) => diagnose(model, asked, points, left));
    const named = found.filter(({ off }) => off.length > 0 && differ.includes(off[0]));
    return { asked, shown, share: named.length / Math.max(found.length, 1), found };
  });
  const good = pairs.filter(({ share: part }) => part >= 0.5).length;
  const mean = pairs.reduce((sum, { share: part }) => sum + part, 0) / pairs.length;
  console.log(
    `${name}: ${right.length} of ${known.length} right hands are right: ${(100 * share).toFixed(1)} %; ` +
      `${good} of ${pairs.length} wrong shapes: the right finger in most hands, in ${(100 * mean).toFixed(1)} % of all hands`,
  );
  for (const { asked, shown, share: part, found } of pairs) {
    const sentences = found.map(({ right: fine, sentence }) => (fine ? "right" : sentence)).sort();
    console.log(`  ${asked} asked, ${shown} shown: ${(100 * part).toFixed(0)} %, "${sentences[sentences.length >> 1]}"`);
  }
  expect(share).toBeGreaterThanOrEqual(set.least.right);
  expect(good).toBeGreaterThanOrEqual(set.least.pairs);
});
