/** What is wrong with a handshape: which fingers are off, and one sentence that says what to change. */

import type { Point } from "../mask";
import { estimatePose, FINGER_NAMES, type PoseModel } from "./pose";
import { describeHand, joinFingers, THUMB } from "./sentences";

/** A part of the hand that can be off. */
export type Part = (typeof FINGER_NAMES)[number] | "thumb" | "hand";

export interface Finding {
  right: boolean;
  /** The letter that the hand shows rather than the one asked for; null if it is right or none is clear. */
  shown: string | null;
  /** What is off, the worst first; none if it is right. */
  off: readonly Part[];
  /** What to change; empty if it is right. */
  sentence: string;
}

type Pose = readonly number[];

/** Whose handshape draws the letters that move. */
export const DRAWN_WITH: Readonly<Record<string, string>> = { J: "I", Z: "D" };
/** Landmarks of each part; all of them for the hand itself. */
export const LANDMARKS: Readonly<Record<Part, readonly number[]>> = {
  thumb: [1, 2, 3, 4],
  index: [5, 6, 7, 8],
  middle: [9, 10, 11, 12],
  ring: [13, 14, 15, 16],
  little: [17, 18, 19, 20],
  hand: Array.from({ length: 21 }, (_, index) => index),
};

/** Deviations: four fingers' bends, three gaps between them, the thumb, where the hand points, where the palm faces. */
const [GAPS, THUMB_AT, POINTS, FACES] = [4, 7, 8, 9];
/**
 * What each deviation is measured in: right angles for a bend, palm lengths for gaps and thumb, and for the hand the
 * distance of two directions on a sphere of radius 1. The estimate of a hand that shows a letter rightly, as people do, is
 * off by one of these at most in nine of ten.
 */
const UNITS = [0.28, 0.28, 0.28, 0.28, 0.1, 0.1, 0.1, 0.25, 0.7, 0.9];
/** Units by which nothing of a right hand is off. */
const TOLERANCE = 2;
/** How much less than the likeliest letter a right one may look like it: a factor of e. */
const MARGIN = 1;
/** Share of the worst deviation from which another one is named, too. */
const ALSO = 0.6;
/** What makes a letter, and counts so often if it is missing: crossed fingers are hardly seen in landmarks. */
const ESSENTIAL: Readonly<Record<string, number>> = { R: GAPS };
const ESSENTIAL_WEIGHT = 3;
/** How much likelier than the next one a letter is that is named: a factor of e. */
const CLEAR = 1;
/** Sum of a finger's two bends, in right angles, up to which it counts as straight, and from which as folded. */
const STRAIGHT = 0.7;
const FOLDED = 1.3;

/**
 * Compare a hand with the letter asked for.
 *
 * `points` are 21 landmarks in pixels of a picture that is not mirrored, `left` is whether it is a left hand, and `read` is
 * the letter that the service reads, null if it reads none or is not asked.
 */
export function diagnose(
  model: PoseModel,
  asked: string,
  points: readonly Point[],
  left: boolean,
  read: string | null = null,
): Finding {
  const { pose, likeness } = estimatePose(model, points, left);
  const letter = DRAWN_WITH[asked] ?? asked;
  const rival = findRival(model, likeness, letter, read === null ? null : (DRAWN_WITH[read] ?? read));
  const [wanted, deviations] = nearest(model.shapes[letter], pose, letter === asked);
  if (!rival && Math.max(...deviations) < TOLERANCE) return { right: true, shown: null, off: [], sentence: "" };
  const scores = dropGaps(rival ? weigh(letter, deviations, wanted, nearest(model.shapes[rival], pose)[0]) : deviations);
  const worst = scores.indexOf(Math.max(...scores));
  const named = scores.map((score, number) => ({ score, number })).filter(({ score }) => score >= ALSO * scores[worst]);
  const order = named.sort((one, other) => other.score - one.score).map(({ number }) => number);
  return {
    right: false,
    shown: rival && (read ?? isClear(model, likeness, rival)) ? rival : null,
    off: [...new Set(order.flatMap(partsOf))],
    sentence: describe(letter, order, pose, wanted),
  };
}

/** The other letter that the hand shows; null if it may well be the one asked for. */
function findRival(model: PoseModel, likeness: readonly number[], letter: string, read: string | null): string | null {
  if (read !== null) return read === letter || !model.shapes[read] ? null : read;
  const best = likeness.indexOf(Math.max(...likeness));
  return likeness[best] - likeness[model.letters.indexOf(letter)] < MARGIN ? null : model.letters[best];
}

function isClear(model: PoseModel, likeness: readonly number[], letter: string): boolean {
  const own = likeness[model.letters.indexOf(letter)];
  return likeness.filter((value) => own - value < CLEAR).length === 1;
}

/** The pose of a letter that is nearest to a hand's, and the hand's deviations from it. */
function nearest(shapes: readonly Pose[], pose: Pose, oriented = true): [Pose, number[]] {
  const compared = shapes.map((shape): [Pose, number[]] => [shape, compare(pose, shape, oriented)]);
  const size = (deviations: number[]) => deviations.reduce((sum, value) => sum + value * value, 0);
  return compared.reduce((best, each) => (size(each[1]) < size(best[1]) ? each : best));
}

/** How far a pose deviates from another one, in units; a hand that draws points anywhere. */
function compare(one: Pose, other: Pose, oriented = true): number[] {
  const apart = (...numbers: number[]) => Math.hypot(...numbers.map((number) => one[number] - other[number]));
  const deviations = [
    ...FINGER_NAMES.map((_, finger) => apart(finger, 4 + finger)),
    apart(8), apart(9), apart(10),
    apart(11, 12, 13),
    ...(oriented ? [apart(14, 15, 16), apart(17, 18, 19)] : [0, 0]),
  ]; // prettier-ignore
  return deviations.map((deviation, number) => deviation / UNITS[number]);
}

/** What counts of a hand's deviations if it shows another letter: what distinguishes the two. */
function weigh(letter: string, deviations: readonly number[], wanted: Pose, shown: Pose): number[] {
  const difference = compare(shown, wanted);
  const weight = (number: number) => (ESSENTIAL[letter] === number ? ESSENTIAL_WEIGHT : 1);
  return deviations.map((deviation, number) => weight(number) * Math.min(deviation, difference[number]));
}

/** Leave out the gaps beside a finger that is bent wrongly: they are wrong because of it. */
function dropGaps(scores: readonly number[]): number[] {
  const isBent = (number: number) => scores[number - GAPS] >= 1 || scores[number - GAPS + 1] >= 1;
  return scores.map((score, number) => (number >= GAPS && number < THUMB_AT && isBent(number) ? 0 : score));
}

function partsOf(number: number): Part[] {
  if (number < GAPS) return [FINGER_NAMES[number]];
  if (number < THUMB_AT) return [FINGER_NAMES[number - GAPS], FINGER_NAMES[number - GAPS + 1]];
  return [number === THUMB_AT ? "thumb" : "hand"];
}

/** Say what to change of the worst deviation, and of other fingers that need the same. */
function describe(letter: string, order: readonly number[], pose: Pose, wanted: Pose): string {
  const [worst] = order;
  if (worst === POINTS || worst === FACES) return describeHand(letter);
  if (worst === THUMB_AT) return THUMB[letter];
  if (worst >= GAPS) return describeGap(letter, worst - GAPS, pose[worst + 4] < wanted[worst + 4]);
  const verbs = FINGER_NAMES.map((_, finger) => describeBend(letter, finger, pose, wanted));
  const same = order.filter((number) => number < GAPS && verbs[number] === verbs[worst]).sort();
  return verbs[worst].replace("*", joinFingers(same.map((number) => FINGER_NAMES[number])));
}

/** What to do with a finger, which is `*`. */
function describeBend(letter: string, finger: number, pose: Pose, wanted: Pose): string {
  if (letter === "X" && finger === 0) return "Bend the * like a hook.";
  const bend = (of: Pose) => of[finger] + of[4 + finger];
  if (bend(pose) > bend(wanted)) return bend(wanted) < STRAIGHT ? "Straighten the *." : "Open the * a little.";
  return bend(wanted) > FOLDED ? "Fold the * down." : "Bend the * a little.";
}

function describeGap(letter: string, finger: number, narrow: boolean): string {
  const pair = joinFingers(FINGER_NAMES.slice(finger, finger + 2));
  if (letter === "R" && finger === 0) return `Cross ${pair}.`;
  return narrow ? `Spread ${pair} apart.` : `Hold ${pair} together.`;
}
