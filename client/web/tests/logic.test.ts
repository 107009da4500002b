/** The parts that need neither page nor camera: holds, hints, settings. */

import { describe, expect, test } from "vitest";
import { boxOf, findSigning, palmSize } from "../src/following";
import { findHint } from "../src/hints";
import { Hold } from "../src/holds";
import { MASK_VERSION, TRAIL_VERSION, type Point } from "../src/mask";
import { readSettings, writeSettings } from "../src/settings";
import { streamQuery } from "../src/stream";

describe("a hold", () => {
  const open = openHand();
  const see = (hold: Hold, letters: (string | null)[]) => {
    letters.forEach((letter, index) => hold.see(letter, open.map(([x, y]): Point => [x, y + (x > 300 ? index : 0)])));
  };
  const places = (hold: Hold) => hold.spread.map((hand) => hand[20][1].toFixed(3));

  test("has up to three hands of the letter that is held, from its beginning to its end", () => {
    const [long, short, none] = [new Hold(), new Hold(), new Hold()];
    see(long, [null, "L", "M", "M", "M", "M", "M"]);
    const apart = new Hold();
    for (const index of [2, 4, 6]) apart.see("M", open.map(([x, y]): Point => [x, y + (x > 300 ? index : 0)]));
    expect(places(long)).toEqual(places(apart));
    expect(new Set(places(long)).size).toBe(3);
    see(short, ["M"]);
    see(none, ["M", null]);
    expect([short.spread.length, none.spread.length]).toEqual([1, 0]);
  });
});

describe("hint", () => {
  const hand = (x: number, y: number, size: number) =>
    Array.from({ length: 21 }, (_, index): Point => [x + (size * (index % 5)) / 4, y + (size * Math.floor(index / 5)) / 4]);

  test.each([
    [null, 120, "Show one hand to the camera"],
    [null, 10, "Too dark: turn on a light"],
    [hand(200, 100, 200), 120, ""],
    [hand(200, 100, 200), 10, "Too dark: turn on a light"],
    [hand(500, 100, 200), 120, "Move your hand into the picture"],
    [hand(200, 100, 30), 120, "Move closer"],
  ])("%# is the one that helps most", (points, brightness, message) => {
    expect(findHint(points, 640, 480, brightness)).toBe(message);
  });
});

describe("a stream's address", () => {
  test.each([
    [null, null, ""],
    [0.7, null, "&threshold=0.7"],
    [null, 0, "&hold=0"],
    [0.7, 0.4, "&threshold=0.7&hold=0.4"],
  ])("has the options that the signer chose (%s, %s) and no others", (threshold, hold, chosen) => {
    const versions = `mask_version=${MASK_VERSION}&trail_version=${TRAIL_VERSION}`;
    expect(String(streamQuery({ threshold, hold, token: "sesame" }))).toBe(versions + chosen);
  });
});

describe("settings", () => {
  const storage = (stored: string | null) => {
    const values = new Map<string, string>(stored === null ? [] : [["fingerspell", stored]]);
    return {
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => void values.set(key, value),
    } as Storage;
  };

  test("come back as they were stored", () => {
    const place = storage(null);
    const settings = { ...readSettings(place), hold: 0.7, mirrored: false, words: false, ownWords: "Anna\nBo" };
    writeSettings(place, settings);
    expect(readSettings(place)).toEqual(settings);
  });

  test.each(["no JSON", "[]", '{"hold": "long", "mirrored": 3}', "null"])("that are invalid (%s) get their defaults", (stored) => {
    expect(readSettings(storage(stored))).toMatchObject({ hold: null, mirrored: true, words: true });
  });
});

describe("of two hands in view", () => {
  const open = openHand();
  const at = (x: number, y: number, size = 1) =>
    open.map(([px, py]): Point => [x + size * (px - open[9][0]), y + size * (py - open[9][1])]);
  const [middle, edge, far] = [at(320, 250), at(560, 250), at(560, 250, 0.5)];
  const seen = (points: Point[]) => ({ points, size: palmSize(points), seen: 0 });

  test.each([
    ["no hand", [], null, false, null],
    ["the larger one", [far, middle], null, false, middle],
    ["the one in the middle", [edge, middle], null, false, middle],
    ["the one that is followed", [far, middle], middle, true, middle],
    ["a much larger one", [far, middle], far, true, middle],
    ["no bystander while the signer is gone", [far], middle, false, null],
    ["the signer's other hand", [edge], middle, false, edge],
  ])("signs %s", (_, hands, signer, following, signs) => {
    expect(findSigning(hands, signer && seen(signer), null, 640, following)).toBe(signs);
  });

  test("one that rested stays a bystander's while the signer is gone", () => {
    expect(findSigning([edge], seen(middle), boxOf(edge), 640, false)).toBe(null);
    expect(findSigning([edge], null, boxOf(edge), 640, false)).toBe(edge);
  });
});

/** An open hand, fingers spread, as tests/client/drawn_hand.py draws it. */
function openHand(): Point[] {
  const fingers = [-150, -115, -97, -80, -62].flatMap((degrees, finger) =>
    (finger ? [110, 160, 190, 215] : [70, 110, 140, 165]).map((reach): Point => {
      const angle = (degrees * Math.PI) / 180;
      return [300 + reach * Math.cos(angle), 400 + reach * Math.sin(angle)];
    }),
  );
  return [[300, 400], ...fingers];
}
