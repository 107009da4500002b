/** Practise without camera and page: sessions, mastery, choices, and what is said of a hand. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ALPHABET, STILL_LETTERS } from "../src/letters";
import type { Point } from "../src/mask";
import { readChoices, writeChoices } from "../src/practise/choices";
import { diagnose } from "../src/practise/diagnosis";
import { Mastery, type Show } from "../src/practise/mastery";
import type { PoseModel } from "../src/practise/pose";
import { chooseLetters, chooseWords, Reading, Signing, summarise } from "../src/practise/session";
import { describeHand, FORMED, THUMB } from "../src/practise/sentences";
import { Steady } from "../src/practise/steady";
import { COMMON_WORDS } from "../src/practise/words";

function read<Content>(path: string): Content {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as Content;
}

function memory(content: Record<string, string> = {}) {
  const store = new Map(Object.entries(content));
  return {
    store,
    getItem: (key: string) => store.get(key) ?? null,
    setItem: (key: string, value: string) => void store.set(key, value),
  };
}

const model = read<PoseModel>("../src/practise/pose.json");
/** The letters of the chart, as MediaPipe finds them in the rendered pictures. */
const chart = Object.fromEntries(
  Object.entries(read<Record<string, number[][]>>("../../letters.json")).map(([letter, points]) => [
    letter,
    points.map(([x, y]): Point => [300 + 90 * x, 250 + 90 * y]),
  ]),
);
const mirror = (points: readonly Point[]) => points.map(([x, y]): Point => [640 - x, y]);

describe("a hand", () => {
  test("that forms a letter as the chart shows it is right: right and left, near and far", () => {
    const judge = (letter: string) => [
      diagnose(model, letter, chart[letter], false),
      diagnose(model, letter, mirror(chart[letter]), true),
      diagnose(model, letter, chart[letter].map(([x, y]): Point => [x / 3, y / 3]), false),
    ]; // prettier-ignore
    const wrong = STILL_LETTERS.filter((letter) => judge(letter).some(({ right }) => !right));
    expect(wrong.join("")).toBe("");
  });

  test.each([
    ["A", "S", "thumb", "Hold the thumb straight up beside the index finger."],
    ["B", "F", "index", "Straighten the index finger."],
    ["V", "W", "ring", "Fold the ring finger down."],
    ["W", "V", "ring", "Straighten the ring finger."],
    ["U", "H", "hand", "Hold the hand upright, with the palm to the camera."],
    ["F", "B", "index", null],
    ["I", "Y", "thumb", "Fold the thumb over the bent fingers."],
  ])("asked for %s that shows %s is told so, and its %s", (asked, shown, part, sentence) => {
    const finding = diagnose(model, asked, chart[shown], false);
    expect([finding.right, finding.shown, finding.off[0]]).toEqual([false, shown, part]);
    if (sentence) expect(finding.sentence).toBe(sentence);
  });

  test("shows the letter that the service reads, whatever it looks like", () => {
    expect(diagnose(model, "M", chart.N, false, "M").shown).toBeNull();
    expect(diagnose(model, "M", chart.M, false, "N")).toMatchObject({ right: false, shown: "N" });
  });

  test("draws J and Z with the hands of I and D, however it is held", () => {
    const lying = chart.I.map(([x, y]): Point => [y, -x]);
    expect(diagnose(model, "J", chart.I, false).right).toBe(true);
    expect(diagnose(model, "Z", chart.D, false).right).toBe(true);
    expect(diagnose(model, "J", chart.D, false).right).toBe(false);
    expect(diagnose(model, "I", lying, false).right).toBe(false);
  });
});

test("every letter has its sentences, and every hand that is held still its thumb's", () => {
  expect(Object.keys(FORMED).sort()).toEqual(ALPHABET);
  expect(Object.keys(THUMB).sort()).toEqual(STILL_LETTERS);
  for (const sentence of [...Object.values(FORMED), ...Object.values(THUMB), ...ALPHABET.map(describeHand)]) {
    expect(sentence).toMatch(/^[A-Z][^.]+\.$/);
  }
});

describe("signing", () => {
  test("goes on at the right letter only, and keeps what was read instead", () => {
    const session = new Signing(["AB", "C"], 10);
    expect([session.letter, session.sign("S", 11), session.sign("S", 11.5), session.sign("A", 12)]).toEqual(["A", false, false, true]);
    session.help();
    session.skip(15);
    expect([session.item, session.letter, session.over]).toEqual(["C", "C", false]);
    session.sign("C", 16);
    expect(session.over).toBe(true);
    expect(session.sign("C", 17)).toBe(false);
    expect(session.shows).toEqual([
      { letter: "A", seconds: 2, instead: ["S"], helped: false },
      { letter: "B", seconds: null, instead: [], helped: true },
      { letter: "C", seconds: 1, instead: [], helped: false },
    ]);
  }); // prettier-ignore

  test("ends after two minutes, pauses not counted", () => {
    const session = new Signing(["A"], 0);
    session.pause(60);
    session.resume(1000);
    session.tick(1059);
    expect(session.over).toBe(false);
    session.tick(1060);
    expect([session.over, session.seconds(1070)]).toEqual([true, 120]);
  });
});

describe("reading", () => {
  test("spells a word letter by letter, with a rest between two equal ones, and again if asked", () => {
    const session = new Reading(["ALL"], 2, 5);
    const letters = [5, 5.2, 5.45, 5.5, 5.95, 6.0, 6.4, 6.5, 9].map((now) => session.letterAt(now));
    expect(letters).toEqual(["A", "A", null, "L", null, "L", "L", null, null]);
    session.replay(9);
    expect(session.letterAt(9.1)).toBe("A");
  });

  test("compares what was typed, letter by letter where it is as long", () => {
    const session = new Reading(["CAT", "DOG", "SUN"], 2, 0);
    expect([session.answer(" cat ", 3), session.answer("dig", 6), session.answer("su", 9)]).toEqual([true, false, false]);
    expect([session.over, session.missed]).toEqual([true, ["DOG", "SUN"]]);
    const missed = session.shows.filter(({ seconds }) => seconds === null);
    expect(missed.map(({ letter, instead }) => letter + instead.join(""))).toEqual(["OI", "S", "U", "N"]);
    expect(session.shows[0].seconds).toBe(1);
  });
});

test("a summary has the pace, the three weakest letters and what was read instead", () => {
  const show = (letter: string, seconds: number | null, ...instead: string[]): Show => ({ letter, seconds, instead, helped: false });
  const shows = [show("A", 1), show("B", 1), show("C", null), show("D", 2, "X"), show("E", 9), show("F", 1), show("D", 1, "Z")];
  expect(summarise(shows, 30)).toEqual({
    right: 6, asked: 7, perMinute: 12, weakest: ["C", "E", "D"], instead: [["D", ["X", "Z"]]],
  });
  expect(summarise([], 0)).toMatchObject({ perMinute: 0, weakest: [] });
}); // prettier-ignore

describe("what is asked for", () => {
  test("are ten letters, none twice in a row", () => {
    for (let run = 0; run < 50; run++) {
      const items = chooseLetters(["A", "B", "C"], Math.random);
      expect(items).toHaveLength(10);
      items.slice(1).forEach((letter, index) => expect(letter).not.toBe(items[index]));
    }
    expect(chooseLetters([], Math.random)).toEqual([]);
  });

  test("are ten words that can be spelled, the signer's own first", () => {
    const words = chooseWords(["Anna", "Jo", "Łuk"], ["CAT", "DOG", "JAM", "CAT"], STILL_LETTERS, Math.random);
    expect(words[0]).toBe("ANNA");
    expect(words.slice(1).sort()).toEqual(["CAT", "DOG"]);
    expect(new Set(chooseWords([], COMMON_WORDS, ALPHABET, Math.random)).size).toBe(10);
    expect(COMMON_WORDS.filter((word) => !/^[A-Z]{3,6}$/.test(word))).toEqual([]);
  });
});

describe("mastery", () => {
  const show = (letter: string, seconds: number | null, helped = false): Show => ({ letter, seconds, instead: [], helped });
  const level = (...shows: Show[]) => {
    const mastery = new Mastery(memory());
    shows.forEach((each) => mastery.add(each));
    return mastery.level("A");
  };

  test("is of the last three shows: whether each succeeded without help, and how fast they were", () => {
    const [fast, slow] = [show("A", 2), show("A", 5)];
    expect(level()).toBe("new");
    expect([level(fast, fast), level(show("A", 9), fast, slow, fast)]).toEqual(["learning", "strong"]);
    expect([level(fast, slow, slow), level(slow, slow, show("A", 9))]).toEqual(["known", "learning"]);
    expect([level(fast, fast, show("A", null)), level(fast, fast, show("A", 1, true))]).toEqual(["learning", "learning"]);
    expect(level(show("A", null), fast, fast, fast)).toBe("strong");
  });

  test("asks for the weakest letters first, new ones before those that are known", () => {
    const mastery = new Mastery(memory());
    [show("A", 2), show("B", null), show("C", 8)].forEach((each) => mastery.add(each));
    expect(mastery.weakest(["A", "B", "C", "D", "E"])).toEqual(["B", "C", "D", "E", "A"]);
  });

  test("is kept: bounded, without what is damaged, and erased when asked", () => {
    const storage = memory();
    const mastery = new Mastery(storage);
    for (let count = 0; count < 30; count++) mastery.add(show("A", 1));
    for (let day = 1; day <= 40; day++) mastery.addTime(new Date(Date.UTC(2026, 0, day)).toISOString().slice(0, 10), 30);
    mastery.addTime("2026-02-09", 60);
    const [[key, text]] = [...storage.store];
    const kept = JSON.parse(text) as { letters: { A: unknown[] }; days: Record<string, number> };
    expect([kept.letters.A.length, Object.keys(kept.days).length, kept.days["2026-02-09"]]).toEqual([10, 35, 90]);
    const damaged = { ...kept, letters: { A: [...kept.letters.A, { seconds: "soon" }], B: 7, "?": kept.letters.A }, days: { ...kept.days, never: 3, "2026-02-10": -1 } };
    const again = new Mastery(memory({ [key]: JSON.stringify(damaged) }));
    expect([again.level("A"), again.level("B"), again.practised("2026-02-09"), again.practised("2026-02-10")]).toEqual(["strong", "new", 90, 0]);
    for (const broken of ["{", "[]", "null", '{"version":2}']) expect(new Mastery(memory({ [key]: broken })).level("A")).toBe("new");
    mastery.erase();
    expect([mastery.level("A"), mastery.practised("2026-02-09")]).toEqual(["new", 0]);
    expect(new Mastery(storage).level("A")).toBe("new");
  }); // prettier-ignore
});

test("choices are kept, and damaged ones get their defaults", () => {
  const storage = memory();
  writeChoices(storage, { kind: "reading", letters: ["S", "A"], speed: 4, left: true });
  expect(readChoices(storage)).toEqual({ kind: "reading", letters: ["A", "S"], speed: 4, left: true });
  const [key] = [...storage.store.keys()];
  const defaults = { kind: "letters", letters: [], speed: 2, left: false };
  expect(readChoices(memory({ [key]: '{"kind":"singing","letters":"A","speed":1.5,"left":1}' }))).toEqual(defaults);
  expect(readChoices(memory({ [key]: '{"speed":99}' }))).toEqual({ ...defaults, speed: 5 });
  expect(readChoices(memory({ [key]: "null" }))).toEqual(defaults);
});

test("a flickering value counts once it has lasted", () => {
  const steady = new Steady<string>("A", 0.4, (value) => value);
  const seen = ["B", "B", "A", "B", "B", "B", "B"].map((value, frame) => steady.see(value, frame / 5));
  expect(seen).toEqual([false, false, false, false, false, true, false]);
  expect(steady.value).toBe("B");
});
