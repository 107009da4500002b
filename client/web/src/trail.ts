/** The trail of a hand, as client/trail.py keeps it: where three of its points were over the last 1.5 seconds. */

import { drawTrail, palmLength, placeInTrail, TRAIL_POINTS, TRAIL_SECONDS, type Point } from "./mask";

/** Seconds without a hand after which another trail begins; shorter gaps are frames in which it was lost. */
const AWAY = 0.4;
/** Frames of a trail, at least. */
const LEAST_FRAMES = 3;
/** Palm lengths that the tip of index or little finger must have moved within the trail. */
const FAR = 0.5;
/** Seconds within which a hand that moves must have moved, by `STIRRED`. */
const RECENT = 0.4;
const STIRRED = 0.15;
const ROUNDING = 1e-6;

interface Seen {
  /** Seconds. */
  readonly time: number;
  /** Of TRAIL_POINTS, in pixels. */
  readonly points: readonly Point[];
  readonly palm: number;
}

/** The trail of one stream of frames. It has no clock: time is the frames' own, however many there are a second. */
export class Trail {
  private seen: Seen[] = [];

  /** Add a frame: its time in seconds and 21 landmarks in pixels, or null; one not later than the one before is left out. */
  add(time: number, landmarks: readonly Point[] | null): void {
    const last = this.seen.at(-1);
    if (last && time - last.time > AWAY) this.seen = [];
    if (!landmarks || (last && time <= last.time)) return;
    const points = TRAIL_POINTS.map((index): Point => [Math.fround(landmarks[index][0]), Math.fround(landmarks[index][1])]);
    this.seen.push({ time, points, palm: palmLength(landmarks) });
    this.seen = this.seen.filter((each) => time - each.time <= TRAIL_SECONDS + ROUNDING);
  }

  /** Draw the trail as `drawTrail` does; null while the hand is still, or has just come. */
  draw(): Uint8Array<ArrayBuffer> | null {
    const now = this.seen.at(-1)?.time;
    if (now === undefined || this.seen.length < LEAST_FRAMES) return null;
    const palm = median(this.seen.map((each) => each.palm));
    const recent = this.seen.filter(({ time }) => time >= now - RECENT - ROUNDING);
    if (reach(this.seen) < FAR * palm || reach(recent) < STIRRED * palm) return null;
    const paths = this.seen.map(({ points }) => points);
    return drawTrail(placeInTrail(paths, palm), this.seen.map(({ time }) => time)); // prettier-ignore
  }
}

/** How far the tips have moved along an axis, at most, in pixels. */
function reach(seen: readonly Seen[]): number {
  const span = (values: readonly number[]) => Math.fround(Math.max(...values) - Math.min(...values));
  return Math.max(...[1, 2].flatMap((tip) => [0, 1].map((axis) => span(seen.map(({ points }) => points[tip][axis])))));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
