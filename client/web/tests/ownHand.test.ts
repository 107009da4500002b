/** What happens to a profile: enrolled, learned, undone, outdated, refused, and without a service that knows profiles. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NoProfiles, type ProfileReply } from "../src/correction";
import { Unanswered } from "../src/request";
import type { Point } from "../src/mask";
import { OwnHand } from "../src/ownHand";
import { countLetters, makeSample, type Correction, type Sample } from "../src/profile";
import { ProfileStore } from "../src/profileStore";

const PLACED = Array.from({ length: 21 }, (_, index): Point => [(index % 5) / 5, index / 21]);
const samples = (letter: string, count = 5) => Array.from({ length: count }, () => makeSample(letter, PLACED));

/** A hand, and what it has asked for, sent and told. */
function open(answer?: (count: number) => Promise<ProfileReply>) {
  const asked: (readonly Sample[])[] = [];
  const sent: (Correction | null)[] = [];
  const told: string[] = [];
  const reply = (count: number) =>
    Promise.resolve({ correction: { model: "one", count }, letters: [], dropped: [], alike: [] } as ProfileReply);
  const own = new OwnHand(new ProfileStore(), {
    correct: (correction) => sent.push(correction),
    make: (given) => (answer ?? reply)(asked.push(given)),
    show: () => {},
    tell: (text) => told.push(text),
  });
  own.setConnected(true);
  [sent.length, told.length] = [0, 0];
  return { own, asked, sent, told };
}

const settled = () => vi.advanceTimersByTimeAsync(1);
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("an enrolment is kept, corrected, sent, and in force once the service says so", async () => {
  const { own, asked, sent } = open();
  await own.enrol("Anna", samples("K"));
  expect([asked.length, asked[0].length]).toEqual([1, 5]);
  expect(sent).toEqual([{ model: "one", count: 1 }]);
  expect(own.profile).toMatchObject({ name: "Anna", correction: { model: "one", count: 1 } });
  expect(own.inForce).toBe(false);
  own.onAnswer({ profile: "in force", error: null });
  expect(own.inForce).toBe(true);
  own.setConnected(false);
  expect(own.inForce).toBe(false);
});

describe("a mistake", () => {
  test("joins the profile and is taken out again", async () => {
    const { own, asked, sent } = open();
    await own.enrol("Anna", samples("K"));
    const restore = vi.fn();
    await own.learn("M", [PLACED, PLACED], restore);
    expect(own.profile && countLetters(own.profile)).toEqual([["K", 5], ["M", 2]]); // prettier-ignore
    expect(await own.undo()).toBe(true);
    expect(restore).toHaveBeenCalledOnce();
    expect(own.profile && countLetters(own.profile)).toEqual([["K", 5]]);
    expect([asked.length, sent.length]).toEqual([3, 3]);
    expect(await own.undo()).toBe(false);
  });

  test("works without an enrolment: its profile has this letter only, and is gone when it is undone", async () => {
    const { own, sent } = open();
    await own.learn("M", [PLACED], () => {});
    expect(own.profile && [own.profile.name, countLetters(own.profile)]).toEqual(["me", [["M", 1]]]);
    await own.undo();
    expect([own.profile, own.store.names, sent.at(-1)]).toEqual([null, [], null]);
  });

  test("without a hand changes the text only", async () => {
    const { own, asked } = open();
    const restore = vi.fn();
    await own.learn("M", [], restore);
    expect([own.profile, asked.length]).toEqual([null, 0]);
    expect([await own.undo(), restore.mock.calls.length]).toEqual([true, 1]);
  });
});

test("a correction for another model is made anew by itself and sent, with pauses, and not for ever", async () => {
  const { own, asked, sent, told } = open();
  await own.enrol("Anna", samples("K"));
  own.onAnswer({ profile: "outdated", error: null });
  await settled();
  expect([asked.length, sent.length]).toEqual([2, 2]);
  for (let count = 0; count < 9; count++) {
    own.onAnswer({ profile: "outdated", error: null });
    await vi.advanceTimersByTimeAsync(3100);
  }
  expect(asked.length).toBe(6);
  expect(told).toEqual(["The service keeps changing its model: letters are read without your hand."]);
});

test("a correction that is refused is made anew once, then the signer is told why", async () => {
  const { own, asked, told } = open();
  await own.enrol("Anna", samples("K"));
  own.onAnswer({ profile: "refused", error: "It is damaged." });
  await settled();
  expect([asked.length, told]).toEqual([2, []]);
  own.onAnswer({ profile: "refused", error: "It is damaged." });
  await settled();
  expect([asked.length, told]).toEqual([2, ["It is damaged."]]);
});

test("a service without profiles is named once, and the samples stay", async () => {
  const { own, told } = open(() => Promise.reject(new NoProfiles()));
  await own.enrol("Anna", samples("K"));
  await own.renew();
  own.setConnected(false);
  own.setConnected(true);
  await settled();
  expect(told).toEqual([expect.stringContaining("This service cannot use your hand")]);
  expect(own.profile?.samples.length).toBe(5);
});

test("a service that does not answer to a stored correction is one without profiles", async () => {
  const { own, told } = open();
  await own.enrol("Anna", samples("K"));
  await vi.advanceTimersByTimeAsync(6000);
  expect(told).toEqual([expect.stringContaining("This service cannot use your hand")]);
});

test("a service that is away is asked again, and named once", async () => {
  let away = true;
  const reply = { correction: { model: "one" }, letters: [], dropped: [], alike: [] };
  const { own, sent, told } = open(() =>
    away ? Promise.reject(new Unanswered("The service does not answer")) : Promise.resolve(reply),
  );
  await own.enrol("Anna", samples("K"));
  await vi.advanceTimersByTimeAsync(21_000);
  expect([sent, told.length]).toEqual([[], 1]);
  away = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect([sent, own.problem]).toEqual([[{ model: "one" }], ""]);
});

test("of two changes the newer one's correction counts", async () => {
  const waiting: ((reply: ProfileReply) => void)[] = [];
  const { own, sent } = open(() => new Promise((done) => waiting.push(done)));
  void own.enrol("Anna", samples("K"));
  await settled();
  void own.enrol("Anna", samples("L"));
  await settled();
  const reply = (count: number) => ({ correction: { model: "one", count }, letters: [], dropped: [], alike: [] });
  waiting[1](reply(2));
  waiting[0](reply(1));
  await settled();
  expect(sent).toEqual([{ model: "one", count: 2 }]);
});

test("people are kept apart: a name that is taken gets a number, and nobody reads without a correction", async () => {
  const { own, sent } = open();
  await own.enrol("Anna", samples("K"));
  const name = await own.add({ name: "Anna", samples: samples("L", 1), correction: { model: "one" } });
  expect([name, own.store.names, own.profile?.name]).toEqual(["Anna 2", ["Anna", "Anna 2"], "Anna 2"]);
  await own.use(null);
  expect([own.profile, sent.at(-1)]).toEqual([null, null]);
  await own.use("Anna");
  expect(sent.at(-1)).toEqual({ model: "one", count: 1 });
  await own.delete("Anna");
  expect([own.profile, own.store.names, sent.at(-1)]).toEqual([null, ["Anna 2"], null]);
});
