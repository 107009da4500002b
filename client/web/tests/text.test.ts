/** The text as words, and the signer's own words. */

import { describe, expect, test } from "vitest";
import { addNames, describeOwnWords, readOwnWords } from "../src/ownWords";
import { certain, join, shown, Text, type Letter } from "../src/text";
import { addLine, readLines, readText, writeLines, writeText } from "../src/textStore";

const weak = (letter: string): Letter => {
  return { segment: { alternatives: [{ letter, confidence: 0.4 }], seconds: 0.1, committed: false }, hands: [] };
};

function spell(text: Text, letters: string): void {
  for (const letter of letters) text.add(letter === letter.toLowerCase() ? weak(letter.toUpperCase()) : certain(letter));
}

/** Words ended by spaces, each as READ=ACCEPTED or as READ, then letters; weak ones are small. */
function make(written: string): Text {
  const text = new Text();
  const parts = written.split(" ");
  parts.forEach((part, index) => {
    const [read, accepted] = part.split("=");
    spell(text, read);
    if (index < parts.length - 1) text.space(accepted ?? null);
  });
  return text;
}

describe("the text", () => {
  test.each([
    ["THE WOALD", "THE WOALD"],
    ["WOALD=WORLD ", "WORLD "],
    ["WoRK", "WRK"],
    ["q=QUIZ A", "QUIZ A"],
  ])("of %j shows %j", (written, value) => {
    expect(make(written).value).toBe(value);
  });

  test.each([
    ["WOALD", "WORLD", "WORLD "],
    ["WOALD", null, "WOALD "],
    ["q", "QUIZ", "QUIZ "],
    ["q", null, ""],
    ["THE ", null, "THE "],
  ])("%j that ends as %j becomes %j", (written, accepted, value) => {
    const text = make(written);
    text.end(accepted);
    expect([text.value, text.current.length]).toEqual([value, 0]);
  });

  test.each([
    ["HELq", "HE"],
    ["HEq", "H"],
    ["HE ", "HE"],
    ["HE x", "HE"],
    ["WOALD=WORLD ", "WORLD"],
    ["HE  ", "HE "],
    ["", ""],
  ])("%j without its last letter is %j", (written, value) => {
    const text = make(written);
    text.delete();
    expect(text.value).toBe(value);
  });

  test("of a word that goes on is deleted letter by letter, as the word was shown", () => {
    const text = make("WOALD=WORLD ");
    for (let count = 0; count < 3; count++) text.delete();
    expect(text.value).toBe("WOR");
  });

  test("that was cleared comes back, also after letters have joined it since", () => {
    const text = make("WOALD=WORLD HE");
    text.clear();
    spell(text, "A");
    text.clear();
    expect(text.value).toBe("");
    const seen = Array.from({ length: 3 }, () => (text.undo(), text.value));
    expect(seen).toEqual(["A", "", "WORLD HE"]);
  });

  test("goes back 50 changes, of which weak letters are none", () => {
    const text = new Text();
    spell(text, "aA".repeat(60));
    let count = 0;
    while (text.undo()) count++;
    expect([count, text.value]).toEqual([50, "A".repeat(10)]);
  });

  test.each([
    ["WOALD=WORLD HE", "WORLD HEY", ["WORLD", "HEY"], true],
    ["WOALD=WORLD HE", "THE WORLD HE", ["THE", "WORLD", "HE"], true],
    ["WOALD=WORLD HE", "WORLDS HE", ["WORLDS", "HE"], false],
    ["WOALD=WORLD HE", "", [""], false],
    ["WOALD=WORLD ", "WORLD é 2 ", ["WORLD", "é", "2", ""], true],
    ["A WOALD=WORLD B ", "A WORLD B", ["A", "WORLD", "B"], true],
  ])("%j that is typed over as %j has its words, and what is known of those that stay", (written, typed, words, known) => {
    const text = make(written);
    text.edit(typed);
    expect(text.value).toBe(typed);
    expect([...text.words.map(shown), join(text.current)]).toEqual(words);
    expect(text.words.some(({ accepted }) => accepted === "WORLD")).toBe(known);
    text.undo();
    expect(text.value).toBe(make(written).value);
  });

  test("is kept in the browser with its words, and the lines before it", () => {
    const kept = new Map<string, string>();
    const store = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
    const [text, other] = [make("WOALD=WORLD HEx"), new Text()];
    writeText(store, text);
    readText(store, other);
    other.toggleAsRead();
    expect([other.value, other.current.length]).toEqual(["WOALD HE", 3]);
    addLine(store, { text: "ONE", time: 1 });
    expect(addLine(store, { text: "TWO", time: 2 }).map((line) => line.text)).toEqual(["TWO", "ONE"]);
    for (let time = 3; time < 200; time++) addLine(store, { text: "MORE", time });
    expect(readLines(store).length).toBe(100);
    expect(writeLines(store, [])).toEqual([]);
  });

  test.each(["no JSON", "{}", '{"words": [null], "current": []}', '{"words": [], "current": [{"alternatives": []}]}'])(
    "that was kept but cannot be read (%s) is left out",
    (kept) => {
      const text = new Text();
      readText({ getItem: () => kept, setItem: () => undefined }, text);
      expect([text.value, readLines({ getItem: () => kept, setItem: () => undefined })]).toEqual(["", []]);
    },
  );
});

describe("segments that a drawn letter takes the place of", () => {
  const segments = (letters: string) => {
    return [...letters].map((letter) => (letter === letter.toLowerCase() ? weak(letter.toUpperCase()) : certain(letter)).segment);
  };

  test.each([
    ["HI", "I", "H"],
    ["HIdx", "Idx", "H"],
    ["I", "I", ""],
    ["HI", "", "HI"],
    ["HIA", "I", "HIA"],
    ["HE", "IE", "H"],
    ["I", "EI", ""],
    ["HI ", "I", "HI "],
    ["Hi", "I", "H"],
  ])("%j without %j is %j", (written, replaced, value) => {
    const text = make(written);
    text.takeBack(segments(replaced));
    expect(text.value).toBe(value);
  });

  test("stay from one on that was corrected or deleted meanwhile", () => {
    const [i, weakD] = [{ ...certain("I").segment, seconds: 0.4 }, weak("D")];
    const text = make("H");
    for (const segment of [i, weakD.segment]) text.add({ segment, hands: [] });
    text.replace(text.last!, certain("E", [], 0.4));
    text.takeBack([{ ...i, alternatives: [{ letter: "I", confidence: 0.9 }] }, { ...weakD.segment }]);
    expect([text.value, text.current.length]).toEqual(["HE", 2]);
  });

  test.each([{ seconds: 0.2 }, { committed: false }, { alternatives: [{ letter: "I", confidence: 0.9 }] }, { alternatives: [] }])(
    "are those that were told: not one with %j",
    (other) => {
      const text = make("HI");
      text.takeBack([{ ...certain("I").segment, ...other }]);
      expect(text.value).toBe("HI");
      text.takeBack([structuredClone(certain("I").segment)]);
      expect(text.value).toBe("H");
    },
  );
});

describe("as read", () => {
  test("brings back the letters of the last word, and then the word", () => {
    const text = make("WOALD=WORLD HE");
    text.toggleAsRead();
    expect(text.value).toBe("WOALD HE");
    text.toggleAsRead();
    expect(text.value).toBe("WORLD HE");
  });

  test("brings back those of any other word", () => {
    const text = make("WOALD=WORLD TXE=THE ");
    text.toggleAsRead(0);
    expect(text.value).toBe("WOALD THE ");
  });

  test("changes nothing if no word took the place of the letters", () => {
    const text = make("HE=HE ");
    text.toggleAsRead();
    expect(text.words[0].asRead).toBe(false);
  });
});

describe("a word that ended before its answer had come", () => {
  test("becomes the accepted one, also while the next is spelled", () => {
    const text = make("WOALD");
    const word = text.end();
    spell(text, "A");
    text.accept(word!, "WORLD");
    expect(text.value).toBe("WORLD A");
  });

  test("stays if another one has ended, or it was taken back", () => {
    const text = make("WOALD");
    const word = text.end();
    text.delete();
    text.end();
    text.accept(word!, "WORLD");
    expect(text.value).toBe("WOALD ");
  });
});

describe("the last letter", () => {
  const hands = [[[0.5, 0.5]]] as [number, number][][];

  test("keeps the hands that showed it, spaces and weak letters after it aside, and can be another one", () => {
    const text = make("A");
    text.add(certain("N", hands));
    spell(text, "x");
    text.end("ANX");
    const last = text.last!;
    expect([last.hands, last.segment.alternatives[0].letter]).toEqual([hands, "N"]);
    text.replace(last, certain("M", hands));
    text.replace(last, certain("Y"));
    expect(text.value).toBe("AM ");
  });

  test("is none in an empty text", () => expect(make("x").last).toBe(null));
});

describe("own words", () => {
  test("are what can be spelled, once each, in capitals", () => {
    expect(readOwnWords("Annika\n\n annika bo\nZoë")).toEqual({ words: ["ANNIKA", "BO"], rejected: ["ZOË"] });
  });

  test("are at most 500", () => {
    const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    const pairs = letters.flatMap((one) => letters.map((other) => one + other));
    const { words, rejected } = readOwnWords(pairs.slice(0, 501).join("\n"));
    expect([words.length, rejected]).toEqual([500, [pairs[500]]]);
  });

  test("have those of people's names after them", () => {
    expect(addNames(["BO"], ["Anna Lee", "Zoë", "me 2", "bo"])).toEqual(["BO", "ANNA", "LEE", "ME"]);
  });

  test.each([
    ["", ""],
    ["anna", "1 word"],
    ["anna bo", "2 words"],
    ["anna b0", "1 word. Left out: B0. A word has 1 to 32 letters, A to Z; 500 words are the most."],
  ])("%j are described as %j", (typed, said) => {
    expect(describeOwnWords(readOwnWords(typed))).toBe(said);
  });
});
