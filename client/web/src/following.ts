/**
 * Which of two hands in view signs, as client/capture/following.py decides it: the larger and raised one until the other
 * one leads clearly. A bystander's hand takes no letters from the signer's.
 */

import { cropSquare, PALM, type Point } from "./mask";

type Points = readonly Point[];
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** Seconds between two searches for a second hand: each costs as much as two frames. */
const SEARCH_INTERVAL = 1;
/** Seconds for which the signer's hand may be gone, or a resting one unseen, until any hand may sign. */
const FORGET = 3;
/** Lead at which another hand takes over: raised by a hand's length, or twice as large. */
const TAKES_OVER = 1;
/** Hands' lengths of which more do not add to a lead. */
const HIGHEST = 2;
/** How unlike the signer's a hand may be that appears after that was gone: half the size is 1, two palms away up to 1. */
const UNLIKE = 1.4;
/** Weight of a frame in the mean of the signer's size. */
const AVERAGED = 0.05;

/** The hand that signs, as it was last seen. */
export interface Signer {
  points: Points;
  /** Mean size of its palm over the last frames, in pixels. */
  size: number;
  /** Time of the frame in seconds. */
  seen: number;
}

/** Follows one hand, which takes half as long as following two, and searches for a second one when it may be there. */
export class HandFollower<Frame extends { width: number; height: number }> {
  private resting: Box | null = null;
  private restingSeen = 0;
  private searched = -Infinity;
  private signer: Signer | null = null;
  private following = false;

  /** `one` follows a hand from frame to frame, beside a box that it must not look at; `two` finds up to two hands. */
  constructor(
    private readonly one: (frame: Frame, hidden: Box | null) => Points | null,
    private readonly two: (frame: Frame) => Points[],
  ) {}

  /** Find the hand that signs; null if there is none. */
  find(frame: Frame, seconds: number): Points | null {
    if (this.signer && seconds - this.signer.seen > FORGET) this.signer = this.resting = null;
    if (seconds - this.restingSeen > FORGET) this.resting = null;
    if (this.following && seconds - this.searched >= SEARCH_INTERVAL) this.search(frame, seconds);
    let hand = this.one(frame, this.resting);
    if (hand && !(this.following && this.isNear(hand))) hand = this.search(frame, seconds);
    this.following = hand !== null;
    if (hand) {
      this.remember(hand, seconds);
      if (this.resting && overlap(boxOf(hand), this.resting)) this.resting = null;
    }
    return hand;
  }

  private search(frame: Frame, seconds: number): Points | null {
    this.searched = seconds;
    const hands = this.two(frame);
    const both =
      this.following && this.signer && !hands.some((hand) => this.isNear(hand))
        ? [this.signer.points, ...hands.slice(0, 1)]
        : hands;
    const signing = findSigning(both, this.signer, this.resting, frame.width, this.following);
    for (const hand of both) {
      if (hand !== signing) [this.resting, this.restingSeen] = [boxOf(hand), seconds];
    }
    if (!signing || !hands.includes(signing)) return null;
    if (!this.isNear(signing)) this.signer = { points: signing, size: palmSize(signing), seen: seconds };
    return signing;
  }

  private isNear(points: Points): boolean {
    return this.signer !== null && distance(points, this.signer.points) < cropSquare(this.signer.points).side;
  }

  private remember(points: Points, seen: number): void {
    const size = palmSize(points);
    this.signer = { points, size: this.signer ? this.signer.size + (size - this.signer.size) * AVERAGED : size, seen };
  }
}

/** Find which of at most two hands signs; null if none of them is the signer's. */
export function findSigning(
  hands: Points[],
  signer: Signer | null,
  resting: Box | null,
  width: number,
  following: boolean,
): Points | null {
  if (signer && following && hands.length === 2) {
    const [own, other] =
      distance(hands[1], signer.points) < distance(hands[0], signer.points) ? [hands[1], hands[0]] : hands;
    return lead(other, palmSize(other), own, signer.size, width) > TAKES_OVER ? other : own;
  }
  const candidates = hands.filter(
    (hand) => !signer || following || !(isInside(hand, resting) || isBystander(hand, signer)),
  );
  if (candidates.length < 2) return candidates[0] ?? null;
  const [one, other] = candidates;
  return lead(other, palmSize(other), one, palmSize(one), width) > 0 ? other : one;
}

/** How large and near a hand is, whatever its fingers do: the diameter of its palm, in pixels. */
export function palmSize(points: Points): number {
  const palm = PALM.map((index) => points[index]);
  return Math.max(...palm.flatMap(([x, y]) => palm.map(([otherX, otherY]) => Math.hypot(x - otherX, y - otherY))));
}

/** The square that a hand's mask shows. */
export function boxOf(points: Points): Box {
  const { middle, side } = cropSquare(points);
  return [middle[0] - side / 2, middle[1] - side / 2, middle[0] + side / 2, middle[1] + side / 2];
}

/** How much likelier a hand signs than the other: it is larger, raised higher, or nearer to the middle. */
function lead(points: Points, size: number, others: Points, otherSize: number, width: number): number {
  const [own, other] = [cropSquare(points), cropSquare(others)];
  const rise = (2 * (other.middle[1] - own.middle[1])) / (own.side + other.side);
  const aside = Math.abs(other.middle[0] - width / 2) - Math.abs(own.middle[0] - width / 2);
  const larger = Math.log2(Math.max(size, 1) / Math.max(otherSize, 1));
  return larger + Math.min(Math.max(rise, -HIGHEST), HIGHEST) + (2 * aside) / width;
}

function isBystander(points: Points, signer: Signer): boolean {
  const away = distance(points, signer.points) / (2 * signer.size);
  return Math.log2(signer.size / Math.max(palmSize(points), 1)) + Math.min(away, 1) > UNLIKE;
}

function isInside(points: Points, box: Box | null): boolean {
  const [x, y] = cropSquare(points).middle;
  return box !== null && box[0] <= x && x < box[2] && box[1] <= y && y < box[3];
}

function distance(points: Points, others: Points): number {
  const [[x, y], [otherX, otherY]] = [cropSquare(points).middle, cropSquare(others).middle];
  return Math.hypot(x - otherX, y - otherY);
}

function overlap(box: Box, other: Box): boolean {
  return box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3];
}
