/**
 * Enrolment: asks for letters one after another, and takes samples of each by itself. No camera, no clock, no page.
 *
 * A hand must change after each letter, then hold still; then samples are taken while it moves a little.
 */

import { cropSquare, placeInMask, type Point } from "./mask";

type Points = readonly Point[];

/** Samples of each letter. */
export const SAMPLES = 5;
/** Seconds without a hand after which it counts as gone. */
const ABSENT = 0.2;
/** Seconds within which a hand moves on to another letter, and how far it moves, as a share of the hand's side. */
const MOVING = 0.3;
const MOVED = 0.12;
/** Mean distance from the letter before at which a shape is another one, as a share of the mask's side. */
const CHANGED = 0.03;
/** Seconds for which a hand must be still, and how far it may move, as a share of the hand's side. */
const STILL = 0.4;
const STEADY = 0.05;
/** Seconds between two samples: at least, and for a hand that does not move at all. */
const SHORTEST_PAUSE = 0.2;
const LONGEST_PAUSE = 0.3;
/** Movement that makes a new sample worth taking, as a share of the side of the mask or of the hand. */
const FRESH = 0.01;
/** Mean distance from the letter's first sample at which its shape is lost, as a share of the mask's side. */
const LEFT = 0.1;
/** Seconds that may be missing from a time: 0.7 - 0.3 is a little less than 0.4. */
const ROUNDING = 1e-6;

/** Waiting for a change after the letter before, for a still hand, or taking samples; done after the last letter. */
export type Phase = "ready" | "still" | "taking" | "done";

interface Frame {
  time: number;
  points: Points;
  /** The points in the mask, as shares of its side. */
  placed: Points;
  /** Side of the hand's square in pixels of the picture. */
  side: number;
}

export class Enrolment {
  phase: Phase = "still";
  /** Share of the time for which the hand must be still, 0 to 1. */
  ring = 0;
  /** Samples of each letter that is complete: landmarks as shares of the mask's side. */
  readonly taken = new Map<string, Points[]>();
  private position = 0;
  private samples: Frame[] = [];
  /** The hand's last frames, without a gap and since the letter's last change. */
  private frames: Frame[] = [];
  /** The shape that the hand must leave before the next letter. */
  private before: Points | null = null;
  private goneSince: number | null = null;

  constructor(readonly letters: readonly string[]) {}

  /** The letter that is asked for; null after the last one. */
  get letter(): string | null {
    return this.letters[this.position] ?? null;
  }

  /** Number of letters that were asked for before this one. */
  get asked(): number {
    return this.position;
  }

  /** Samples of this letter so far. */
  get count(): number {
    return this.samples.length;
  }

  /** Handle a frame: 21 points in pixels of the picture, or null without a hand; its time in seconds, increasing. */
  see(points: Points | null, time: number): void {
    if (this.phase === "done") return;
    if (points) this.seeHand({ time, points, placed: placeInMask(points), side: cropSquare(points).side });
    else this.seeNone(time);
  }

  /** Ask for the next letter: this one is left out. */
  skip(): void {
    if (this.letter === null) return;
    this.taken.delete(this.letter);
    this.ask(this.position + 1, this.newest?.placed ?? this.before);
  }

  /** Ask for the letter before again; its samples are dropped. */
  back(): void {
    this.ask(Math.max(this.position - 1, 0), this.newest?.placed ?? this.before);
    if (this.letter !== null) this.taken.delete(this.letter);
  }

  private get newest(): Frame | undefined {
    return this.frames.at(-1);
  }

  private seeNone(time: number): void {
    this.goneSince ??= time;
    this.frames = [];
    this.ring = 0;
    if (time - this.goneSince < ABSENT - ROUNDING) return;
    this.samples = [];
    this.phase = "still";
  }

  private seeHand(frame: Frame): void {
    this.goneSince = null;
    if (this.newest && frame.time - this.newest.time > STILL) this.frames = []; // nothing is known of the time between
    this.frames = [...this.frames.filter(({ time }) => frame.time - time <= STILL + MOVING), frame];
    if (this.phase === "ready" && this.hasChanged(frame)) {
      this.phase = "still";
      this.frames = [frame];
    }
    if (this.phase === "still") this.waitForStill(frame);
    else if (this.phase === "taking") this.takeNext(frame);
  }

  private hasChanged(frame: Frame): boolean {
    const moved = this.frames.some(
      ({ time, points }) =>
        frame.time - time <= MOVING + ROUNDING && distance(points, frame.points) >= MOVED * frame.side,
    );
    return moved || (this.before !== null && distance(this.before, frame.placed) >= CHANGED);
  }

  private waitForStill(frame: Frame): void {
    const since = this.stillSince(frame);
    this.ring = Math.min((frame.time - since + ROUNDING) / STILL, 1);
    if (this.ring < 1) return;
    this.phase = "taking";
    this.take(frame);
  }

  /** The time of the first frame since which the hand is where it is now. */
  private stillSince(frame: Frame): number {
    let since = frame.time;
    for (const { time, points } of [...this.frames].reverse()) {
      if (distance(points, frame.points) > STEADY * frame.side) break;
      since = time;
    }
    return since;
  }

  private takeNext(frame: Frame): void {
    const last = this.samples[this.samples.length - 1];
    if (distance(this.samples[0].placed, frame.placed) >= LEFT) {
      this.samples = [];
      this.phase = "still";
      this.frames = [frame];
      this.ring = 0;
      return;
    }
    const pause = frame.time - last.time + ROUNDING;
    const fresh =
      distance(last.placed, frame.placed) >= FRESH || distance(last.points, frame.points) >= FRESH * frame.side;
    if (pause >= LONGEST_PAUSE || (pause >= SHORTEST_PAUSE && fresh)) this.take(frame);
  }

  private take(frame: Frame): void {
    this.samples.push(frame);
    if (this.samples.length < SAMPLES || this.letter === null) return;
    const samples = this.samples.map(({ placed }) => placed);
    this.taken.set(this.letter, samples);
    this.ask(this.position + 1, mean(samples));
  }

  /** Ask for a letter; `before` is the shape that the hand must leave first, if there is one. */
  private ask(position: number, before: Points | null): void {
    this.position = position;
    this.before = before;
    this.samples = [];
    this.frames = this.frames.slice(-1);
    this.ring = 0;
    if (this.letter === null) this.phase = "done";
    else this.phase = before ? "ready" : "still";
  }
}

/** Mean distance between the points of two hands. */
function distance(one: Points, other: Points): number {
  return one.reduce((sum, [x, y], index) => sum + Math.hypot(x - other[index][0], y - other[index][1]), 0) / one.length;
}

function mean(hands: readonly Points[]): Point[] {
  return hands[0].map((_, index): Point => {
    const sum = (axis: 0 | 1) => hands.reduce((total, hand) => total + hand[index][axis], 0);
    return [sum(0) / hands.length, sum(1) / hands.length];
  });
}
