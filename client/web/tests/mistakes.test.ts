/** What is learned from a letter that came out wrong. */

import { expect, test } from "vitest";
import type { Chooser } from "../src/chooser";
import type { Point } from "../src/mask";
import { Mistakes } from "../src/mistakes";
import { OwnHand } from "../src/ownHand";
import { countLetters } from "../src/profile";
import { ProfileStore } from "../src/profileStore";
import { Spelling } from "../src/spelling";
import { certain } from "../src/text";

const HANDS = [Array.from({ length: 21 }, (_, index): Point => [(index % 5) / 5, index / 21])];

test.each([
  ["N", "M", "That was M. Your hand's M is learned from it.", [["M", 1]]],
  ["I", "J", "That was J. It is corrected, not learned, because J moves.", []],
  ["Z", "D", "That was D. It is corrected, not learned, because Z moves.", []],
])("%s that was %s says: %s", async (was, meant, said, learned) => {
  const told: string[] = [];
  const spelling = new Spelling(
    { find: () => new Promise(() => {}), own: () => [], show: () => {}, tell: () => {} },
    false,
  );
  const own = new OwnHand(new ProfileStore(), {
    correct: () => {},
    make: () => new Promise(() => {}),
    show: () => {},
    tell: () => {},
  });
  const chooser: Pick<Chooser, "ask"> = { ask: (_, choose) => choose(meant) };
  const mistakes = new Mistakes(spelling, chooser, own, () => {}, (text) => told.push(text)); // prettier-ignore
  spelling.text.add(certain(was, HANDS, 0.4));
  mistakes.ask();
  await new Promise((done) => setTimeout(done));
  expect([spelling.text.value, told]).toEqual([meant, [said]]);
  expect(own.profile ? countLetters(own.profile) : []).toEqual(learned);
  await mistakes.undo();
  expect(spelling.text.value).toBe(was);
});
