/** Spelling with candidates: what is asked, when a word ends, and what becomes of it. */

import { describe, expect, test } from "vitest";
import { Spelling } from "../src/spelling";
import type { Reply } from "../src/stream";
import { certain, type Segment } from "../src/text";
import { NoWords, type Candidates } from "../src/words";

interface Query {
  segments: Segment[];
  before: string[];
  own: string[];
}

/** A service that answers when the test has it answer. */
class Service {
  readonly asked: Query[] = [];
  readonly told: string[] = [];
  own: string[] = [];
  private readonly waiting: [(candidates: Candidates) => void, (error: Error) => void][] = [];

  readonly spelling: Spelling;

  constructor(on = true) {
    this.spelling = new Spelling(
      {
        find: (query) => {
          this.asked.push(JSON.parse(query) as Query);
          return new Promise((...ends) => this.waiting.push(ends));
        },
        own: () => this.own,
        show: () => {},
        tell: (text) => this.told.push(text),
      },
      on,
    );
    this.spelling.setConnected(true);
  }

  /** The letters of each question. */
  get letters(): string[] {
    return this.asked.map(({ segments }) => segments.map(({ alternatives }) => alternatives[0].letter).join(""));
  }

  async answer(words: string[], accepted: string | null = null): Promise<void> {
    this.waiting.shift()?.[0]({ words, accepted });
    await settle();
  }

  async refuse(error: Error): Promise<void> {
    this.waiting.shift()?.[1](error);
    await settle();
  }
}

const settle = () => new Promise((done) => setTimeout(done));

function reply(committed: string | null = null, segments?: Segment[], replaced?: Segment[]): Reply {
  return { sequence: 0, letter: null, confidence: 0, smoothed: null, progress: 0, committed, segments, replaced };
}

const weak = (letter: string): Segment => ({ ...certain(letter).segment, committed: false });

/** Sign letters, a tenth of a second each, from a time on in seconds. */
function sign({ spelling }: Service, letters: string, seconds = 0): void {
  [...letters].forEach((letter, index) => {
    spelling.see(reply(letter, [certain(letter).segment]), [], true, seconds + index / 10);
  });
}

function away({ spelling }: Service, from: number, to: number): void {
  for (let time = from; time <= to + 0.001; time += 0.1) spelling.see(reply(), [], false, time);
}

describe("candidates", () => {
  test("are asked for one question at a time, and the newest wins", async () => {
    const service = new Service();
    sign(service, "WOR");
    expect(service.letters).toEqual(["W"]);
    await service.answer(["WAS"]);
    expect(service.letters).toEqual(["W", "WOR"]);
    expect(service.spelling.choices).toEqual([]);
    await service.answer(["WORK", "WORD", "WORLD", "WORSE"]);
    expect(service.spelling.choices).toEqual(["WORK", "WORD", "WORLD"]);
  });

  test("are asked for with weak letters and the signer's own words", async () => {
    const service = new Service();
    service.own = ["ANNIKA"];
    service.spelling.see(reply(null, [weak("Q")]), [], true, 2);
    expect(service.asked.at(-1)).toEqual({ segments: [weak("Q")], own: ["ANNIKA"] });
  });

  test.each([
    [1, "WORLD "],
    [3, "WORD "],
    [4, "WOALD"],
  ])("number %i ends the word", async (number, value) => {
    const service = new Service();
    sign(service, "WOALD");
    await service.answer([]);
    await service.answer(["WORLD", "WORKED", "WORD", "WORKS"]);
    service.spelling.choose(number);
    expect(service.spelling.text.value).toBe(value);
  });

  test("end with the word", async () => {
    const service = new Service();
    sign(service, "W");
    await service.answer(["WAS"]);
    service.spelling.space();
    expect(service.spelling.choices).toEqual([]);
  });

  test("are asked for a committed letter alone by a service of an older release", () => {
    const service = new Service();
    service.spelling.see(reply("W"), [], true, 0);
    expect(service.asked[0].segments).toEqual([certain("W").segment]);
  });
});

describe("a word", () => {
  async function read(): Promise<Service> {
    const service = new Service();
    sign(service, "WOALD");
    await service.answer([]);
    await service.answer(["WORLD"], "WORLD");
    return service;
  }

  test.each([
    [1.3, "WOALD"],
    [1.4, "WORLD "],
    [9, "WORLD "],
  ])("without a hand from 0.5 s until %f s is %j", async (until, value) => {
    const service = await read();
    away(service, 0.5, until);
    expect(service.spelling.text.value).toBe(value);
  });

  test("goes on if the hand was away for less than a second", async () => {
    const service = await read();
    away(service, 0.5, 1.3);
    sign(service, "S", 1.35);
    away(service, 1.4, 2.3);
    expect(service.spelling.text.value).toBe("WOALDS");
  });

  test("goes on if a slow machine misses the hand in one frame after a second", async () => {
    const service = await read();
    service.spelling.see(reply(), [], false, 2);
    service.spelling.see(reply(), [], true, 3);
    expect(service.spelling.text.value).toBe("WOALD");
  });

  test("ends with Space, and no second space is set when the hand then stays away", async () => {
    const service = await read();
    service.spelling.space();
    service.spelling.space();
    away(service, 0.5, 3);
    expect(service.spelling.text.value).toBe("WORLD ");
  });

  test("ends with the label of a space, and loses a letter by that of a deletion", async () => {
    const service = await read();
    service.spelling.see(reply("space", []), [], true, 1);
    service.spelling.see(reply("del", []), [], true, 1.1);
    service.spelling.see(reply("nothing", []), [], true, 1.2);
    expect(service.spelling.text.value).toBe("WORLD");
  });

  test("that ended before its answer came is replaced when it comes", async () => {
    const service = new Service();
    sign(service, "W");
    await service.answer([]);
    sign(service, "RK");
    service.spelling.space();
    expect(service.spelling.text.value).toBe("WRK ");
    await service.answer([]); // to "WR"
    await service.answer(["WORK"], "WORK");
    expect(service.spelling.text.value).toBe("WORK ");
  });

  test("of weak letters only comes out if the service accepts one", async () => {
    const service = new Service();
    service.spelling.see(reply(null, [weak("I")]), [], true, 0);
    await service.answer(["I"], "I");
    away(service, 0.1, 1.1);
    expect(service.spelling.text.value).toBe("I ");
  });

  test("is taken back by Delete pressed twice at once", async () => {
    const service = await read();
    service.spelling.delete(10);
    expect(service.spelling.text.value).toBe("WOAL");
    service.spelling.delete(10.5);
    expect(service.spelling.text.value).toBe("WOA");
    service.spelling.delete(10.8);
    expect(service.spelling.text.value).toBe("");
  });

  test("is its letters again, and is asked about anew, if one of them was wrong", async () => {
    const service = await read();
    service.spelling.space();
    service.spelling.replace(service.spelling.text.last!, certain("S"));
    expect(service.spelling.text.value).toBe("WOALS ");
    expect(service.letters.at(-1)).toBe("WOALS");
    await service.answer(["WORDS"], "WORDS");
    expect(service.spelling.text.value).toBe("WORDS ");
  });
});

describe("a letter that is drawn", () => {
  const drawn = (letter: string, nearest: string): Segment => ({
    alternatives: [{ letter, confidence: 0.9 }, { letter: nearest, confidence: 0.1 }], seconds: 0.8, committed: true,
  }); // prettier-ignore

  test("takes the place of the letters that its hand showed, and is asked about with the one that it is nearest to", () => {
    const service = new Service();
    sign(service, "BDI");
    const told = [certain("I").segment, weak("C")];
    service.spelling.see(reply(null, [told[1]]), [], true, 1);
    service.spelling.see(reply("J", [weak("X"), drawn("J", "I")], told), [], true, 1.1);
    expect(service.spelling.text.value).toBe("BDJ");
    expect(service.spelling.text.current.map(({ segment }) => segment)).toEqual([
      ...[..."BD"].map((letter) => certain(letter).segment), weak("X"), drawn("J", "I"),
    ]); // prettier-ignore
  });

  test("takes the place of none in a word that has ended", () => {
    const service = new Service();
    sign(service, "DI");
    service.spelling.space();
    service.spelling.see(reply("J", [drawn("J", "I")], [certain("I").segment]), [], true, 1);
    expect(service.spelling.text.value).toBe("DI J");
  });
});

describe("words", () => {
  test("switched off: letters only, no spaces by themselves, and no questions", () => {
    const service = new Service(false);
    sign(service, "AB");
    away(service, 0.3, 3);
    expect([service.spelling.text.value, service.asked.length]).toEqual(["AB", 0]);
    service.spelling.space();
    service.spelling.space();
    service.spelling.delete(4);
    service.spelling.delete(4.1);
    expect(service.spelling.text.value).toBe("AB");
  });

  test("switched on again: the current word is asked about", () => {
    const service = new Service(false);
    sign(service, "AB");
    service.spelling.turn(true);
    expect(service.letters).toEqual(["AB"]);
  });

  test("that a service does not know are missed once, until there is another connection", async () => {
    const service = new Service();
    sign(service, "A");
    await service.refuse(new NoWords("This service has no vocabulary."));
    sign(service, "B");
    await settle();
    away(service, 1, 3);
    expect(service.told).toEqual(["This service has no vocabulary. Letters go on without words."]);
    expect([service.spelling.text.value, service.asked.length]).toEqual(["AB ", 1]);
    service.spelling.setConnected(false);
    service.spelling.setConnected(true);
    sign(service, "C", 4);
    expect(service.letters).toEqual(["A", "C"]);
  });

  test("that cannot be asked for are told of once, and asked for with the next letter", async () => {
    const service = new Service();
    sign(service, "A");
    await service.refuse(new Error("The service does not answer"));
    sign(service, "B");
    await service.refuse(new Error("The service does not answer"));
    sign(service, "C");
    expect(service.told).toEqual(["The service does not answer. Letters go on without words."]);
    expect(service.letters).toEqual(["A", "AB", "ABC"]);
  });

  test("are not asked for while there is no stream, and the current one is when there is", async () => {
    const service = new Service();
    service.spelling.setConnected(false);
    sign(service, "A");
    await settle();
    expect(service.letters).toEqual([]);
    service.spelling.setConnected(true);
    expect(service.letters).toEqual(["A"]);
  });
});
