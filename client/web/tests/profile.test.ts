/** Profiles: the file, its bounds and errors, and how samples join and leave. */

import { describe, expect, test } from "vitest";
import { describeReport } from "../src/findings";
import { drawPlaced, MASK_VERSION, placeInMask, renderMask, type Point } from "../src/mask";
import {
  addSamples, cleanName, countLetters, decodeProfile, encodeProfile, fileName, makeSample, MAX_SAMPLES, readLandmarks,
  replaceSamples, type Profile,
} from "../src/profile"; // prettier-ignore

const HAND = Array.from({ length: 21 }, (_, index): Point => [100 + 10 * (index % 5), 80 + 20 * Math.floor(index / 5)]);
const placed = (aside: number) => placeInMask(HAND).map(([x, y]): Point => [x + aside, y]);
const samples = (letter: string, count: number) =>
  Array.from({ length: count }, (_, index) => makeSample(letter, placed(index / 1000)));
const PROFILE: Profile = {
  name: "Anna",
  samples: samples("K", 2),
  correction: { model: "26248bcb4154", weights: [1] },
};
const stored = () => JSON.parse(encodeProfile(PROFILE)) as Record<string, unknown>;
const change = (members: Record<string, unknown>) => JSON.stringify({ ...stored(), ...members });

describe("landmarks", () => {
  test("are 42 little-endian uint16, shares of the mask's side times 65535", () => {
    const bytes = Buffer.from(makeSample("A", [[0.5, 0.25], ...placed(0).slice(1)]).landmarks, "base64");
    expect([bytes.length, bytes.readUInt16LE(0), bytes.readUInt16LE(2)]).toEqual([84, 32768, 16384]);
  });

  test("outside the mask are moved to its edge", () => {
    const read = readLandmarks(makeSample("A", [[-0.2, 1.3], ...placed(0).slice(1)]).landmarks);
    expect(read[0]).toEqual([0, 1]);
  });

  test("draw the mask that the hand had", () => {
    const again = drawPlaced(readLandmarks(makeSample("A", placeInMask(HAND)).landmarks));
    const mask = renderMask(HAND);
    expect(again.filter((value, at) => value !== mask[at]).length / mask.length).toBeLessThan(0.01);
  });
});

describe("a profile's file", () => {
  test("comes back as it was written, and has the members of the format", () => {
    expect(decodeProfile(encodeProfile(PROFILE), "Anna.fingerspell")).toEqual(PROFILE);
    expect(Object.keys(stored())).toEqual(["format", "version", "name", "mask_version", "samples", "correction"]);
    expect(stored()).toMatchObject({ format: "fingerspell profile", version: 1, mask_version: MASK_VERSION });
  });

  test("may have further members, which are ignored", () => {
    expect(decodeProfile(change({ colour: "blue" }), "it")).toEqual(PROFILE);
  });

  test("with masks of another version has its correction made anew", () => {
    expect(decodeProfile(change({ mask_version: "bones-1" }), "it")).toEqual({ ...PROFILE, correction: null });
  });

  test.each([
    ["no JSON", "not a profile, or is damaged"],
    ["[]", "not a JSON object"],
    [change({ format: "letters" }), "'format' is not 'fingerspell profile'"],
    [change({ version: 2 }), "version 2 of the format"],
    [change({ name: " " }), "'name' is not a text, or is empty"],
    [change({ mask_version: 3 }), "'mask_version' is not a text"],
    [change({ samples: {} }), "'samples' is not a list"],
    [change({ samples: [3] }), "samples[0]: it is not an object"],
    [
      change({ samples: [...PROFILE.samples, { letter: "k", landmarks: "" }] }),
      "samples[2]: 'letter' is not one capital",
    ],
    [
      change({ samples: [{ letter: "K", landmarks: "AAAA" }] }),
      "samples[0]: 'landmarks' is not 21 points in base64 (3 bytes",
    ],
    [change({ samples: [{ letter: "K", landmarks: "ä" }] }), "samples[0]: 'landmarks' is not 21 points in base64"],
    [change({ samples: samples("K", MAX_SAMPLES + 1) }), "11 samples of K, and 10 is the most"],
    [change({ correction: [] }), "'correction' is neither null nor an object with a 'model'"],
    [change({ correction: { model: "one", weights: "x".repeat(2 ** 19) } }), "'correction' has more than 512 KiB"],
    [change({ note: "x".repeat(2 ** 20) }), "more than 1 MiB"],
  ])("%# that is wrong is refused: what, where and what to do", (text, message) => {
    expect(() => decodeProfile(text, "Anna.fingerspell")).toThrow(message);
    expect(() => decodeProfile(text, "Anna.fingerspell")).toThrow(
      /^Anna\.fingerspell: .*\. (Export|Choose|Reload) .*\.$/s,
    );
  });

  test.each([
    ["Anna", "Anna.fingerspell"],
    ["A/B: C", "A_B_ C.fingerspell"],
    ["..", "_.fingerspell"],
  ])("of %j is %j", (name, file) => {
    expect(fileName({ ...PROFILE, name })).toBe(file);
  });
});

describe("samples", () => {
  test("beyond ten of a letter replace its oldest, and the correction has to be made anew", () => {
    const before = { ...PROFILE, samples: [...samples("M", 1), ...samples("K", 8)] };
    const after = addSamples(before, samples("K", 4));
    expect(countLetters(after)).toEqual([["K", 10], ["M", 1]]); // prettier-ignore
    expect(after.samples.slice(1)).toEqual([...before.samples.slice(3), ...samples("K", 4)]);
    expect(after.correction).toBe(null);
  });

  test("of an enrolment replace those of their letters only", () => {
    const before = { ...PROFILE, samples: [...samples("K", 3), ...samples("M", 2)] };
    expect(countLetters(replaceSamples(before, samples("K", 5)))).toEqual([["K", 5], ["M", 2]]); // prettier-ignore
  });

  test.each([
    ["  Anna \n Lena ", "Anna Lena"],
    ["x".repeat(90), "x".repeat(60)],
    ["\u0000", ""],
  ])("belong to a name that a line can show (%j)", (name, clean) => {
    expect(cleanName(name)).toBe(clean);
  });
});

describe("the check", () => {
  const letter = (name: string, before: number | null, after: number | null) => ({
    letter: name,
    samples: 5,
    used: 5,
    before,
    after,
  });
  const report = {
    correction: { model: "26248bcb4154" },
    letters: [letter("A", 1, 1), letter("E", 0.2, 1), letter("K", 0.8, 0.6), letter("L", 0, null)],
    dropped: [{ letter: "E", reads: "C" }, { letter: "E", reads: "C" }, { letter: "L", reads: null }],
    alike: [["M", "N"]] as [string, string][],
  }; // prettier-ignore

  test("says what is read worse, alike, not used and better, and which letters to show again", () => {
    const { verdict, findings, doubtful } = describeReport(report);
    expect(verdict).toBe("Your hand is known: 4 letters. 1 is recognised better now.");
    expect(findings).toEqual([
      "Read worse, in percent of your samples before → now: K\u00a080\u00a0→\u00a060.",
      "M and N look alike: show them again, as different as you can.",
      "2 samples of E that look like C are not used.",
      "A sample of L is not used.",
      "Read better, in percent of your samples before → now: E\u00a020\u00a0→\u00a0100.",
    ]);
    expect(doubtful).toEqual(["E", "K", "L", "M", "N"]);
  });

  test("has nothing to say of letters that are recognised as before", () => {
    const { verdict, findings } = describeReport({ ...report, letters: [letter("A", 1, 1)], dropped: [], alike: [] });
    expect([verdict, findings]).toEqual(["Your hand is known: 1 letter. They are recognised as well as before.", []]);
  });
});
