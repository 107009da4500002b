/** The enrolment, with hands that are still, move, leave and are gone, at 15 and 30 frames a second. */

import { describe, expect, test } from "vitest";
import { Enrolment, SAMPLES } from "../src/enrolment";
import type { Point } from "../src/mask";

/** A hand of 100 pixels whose shape differs with `bend`, moved aside by pixels. */
const hand = (bend: number, aside = 0): Point[] =>
  Array.from({ length: 21 }, (_, index): Point => [
    200 + aside + 25 * (index % 5) + (index % 5 === 2 ? 60 * bend : 0),
    150 + 25 * Math.floor(index / 5) + (index % 3 === 1 ? 40 * bend : 0),
  ]);
/** Trembling by a pixel and a half, as held hands do. */
const trembling = (bend: number, frame: number) => hand(bend, 3 * (frame % 2));

/** A film of the enrolment: frames come at a rate, and each scene goes on where the one before ended. */
class Film {
  time = 0;
  frame = 0;

  constructor(
    readonly enrolment: Enrolment,
    private readonly rate: number,
  ) {}

  show(seconds: number, pose: (frame: number) => Point[] | null): void {
    const end = this.time + seconds - 1e-9;
    while (this.time < end) {
      this.enrolment.see(pose(this.frame), this.time);
      this.frame++;
      this.time = this.frame / this.rate;
    }
  }
}

const start = (letters: string, rate: number) => new Film(new Enrolment([...letters]), rate);

describe.each([15, 30])("at %d frames a second", (rate) => {
  test("takes five samples of a hand that is still, in at most two seconds", () => {
    const film = start("A", rate);
    film.show(2, (frame) => trembling(0, frame));
    expect(film.enrolment.phase).toBe("done");
    expect(film.enrolment.taken.get("A")).toHaveLength(SAMPLES);
  });

  test("finishes with a hand that is perfectly still, too", () => {
    const film = start("A", rate);
    film.show(2, () => hand(0));
    expect(film.enrolment.phase).toBe("done");
  });

  test("takes nothing before the hand was still for 0.4 s, and the ring shows how long it was", () => {
    const film = start("A", rate);
    film.show(0.2 + 1 / rate, () => hand(0));
    expect(film.enrolment.ring).toBeCloseTo(0.5, 1);
    film.show(0.1, () => hand(0));
    expect([film.enrolment.phase, film.enrolment.count]).toEqual(["still", 0]);
    film.show(0.2, () => hand(0));
    expect([film.enrolment.phase, film.enrolment.count, film.enrolment.ring]).toEqual(["taking", 1, 1]);
  });

  test("takes nothing of a hand that moves", () => {
    const film = start("A", rate);
    film.show(4, (frame) => hand(0, (120 * frame) / rate));
    expect([film.enrolment.phase, film.enrolment.count]).toEqual(["still", 0]);
  });

  test("does not take the letter before for the next one while it is held", () => {
    const film = start("AB", rate);
    film.show(8, (frame) => trembling(0, frame));
    expect([film.enrolment.letter, film.enrolment.phase, film.enrolment.count]).toEqual(["B", "ready", 0]);
  });

  test.each([
    ["another shape", (film: Film) => film.show(0.1, () => hand(0.5))],
    ["a hand that was gone", (film: Film) => film.show(0.2 + 1 / rate, () => null)],
    ["a hand that moved", (film: Film) => [30, 60].forEach((aside) => film.show(1 / rate, () => hand(0, aside)))],
  ])("%s begins the next letter", (_, change) => {
    const film = start("AB", rate);
    film.show(2, () => hand(0));
    change(film);
    film.show(0.1, () => hand(0.5, 60));
    expect([film.enrolment.letter, film.enrolment.phase]).toEqual(["B", "still"]);
  });

  test("a hand that is missed in one frame is still the letter before", () => {
    const film = start("AB", rate);
    film.show(2, () => hand(0));
    film.show(1 / rate, () => null);
    film.show(2, () => hand(0));
    expect([film.enrolment.letter, film.enrolment.phase]).toEqual(["B", "ready"]);
  });

  test.each([
    ["its shape leaves", () => hand(1)],
    ["the hand is gone", () => null],
  ])("drops the samples of a letter if %s, and takes it from the beginning", (_, lost) => {
    const film = start("A", rate);
    film.show(1, () => hand(0));
    expect(film.enrolment.count).toBeGreaterThan(1);
    film.show(0.2 + 1 / rate, lost);
    expect([film.enrolment.phase, film.enrolment.count]).toEqual(["still", 0]);
    film.show(2.2, () => hand(1));
    expect(film.enrolment.phase).toBe("done");
  });

  test("takes the whole alphabet by itself, in a minute", () => {
    const letters = "ABCDEFGHIKLMNOPQRSTUVWXY";
    const film = start(letters, rate);
    [...letters].forEach((_, index) => film.show(2.5, (frame) => trembling(0.4 * (index % 3), frame)));
    expect(film.enrolment.phase).toBe("done");
    expect([...film.enrolment.taken.keys()].join("")).toBe(letters);
    expect(film.time).toBeLessThan(61);
  });
});

test("the samples are the landmarks in the mask, as shares of its side", () => {
  const film = start("A", 30);
  film.show(2, () => hand(0));
  const [first] = film.enrolment.taken.get("A") ?? [];
  expect(first[0].map((share) => Number(share.toFixed(4)))).toEqual([0.1, 0.1]);
  expect(first[20].map((share) => Number(share.toFixed(4)))).toEqual([0.1, 0.9]);
});

test("a letter can be skipped, and one can go back, which drops its samples", () => {
  const film = start("ABC", 30);
  film.show(2, () => hand(0));
  const { enrolment } = film;
  enrolment.skip();
  expect([enrolment.letter, enrolment.asked, enrolment.phase]).toEqual(["C", 2, "ready"]);
  enrolment.back();
  enrolment.back();
  expect([enrolment.letter, enrolment.taken.size]).toEqual(["A", 0]);
  enrolment.back();
  expect(enrolment.letter).toBe("A");
  film.show(2, () => hand(0));
  expect(enrolment.phase, "the hand has not changed since").toBe("ready");
  film.show(3, () => hand(0.6));
  expect([...enrolment.taken.keys()]).toEqual(["A"]);
  enrolment.skip();
  enrolment.skip();
  expect([enrolment.phase, enrolment.letter]).toEqual(["done", null]);
});

test("two frames with a long time between them are no still hand", () => {
  const film = start("A", 30);
  film.show(1 / 30, () => hand(0));
  film.enrolment.see(hand(0), 5);
  expect(film.enrolment.phase).toBe("still");
});
