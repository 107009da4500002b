/** A lesson: it asks for letters, and rates how well each was shown. No camera, no clock, no page. */

import { MOVING_LETTERS } from "./letters";
import type { Reply } from "./stream";

export interface Result {
  letter: string;
  /** Seconds until the letter was held; null if it was skipped. */
  seconds: number | null;
  /** Mean confidence of the frames that showed it, or that of the movement that drew it, 0 to 1. */
  confidence: number;
}

type Answer = Pick<Reply, "letter" | "confidence" | "committed" | "segments">;

export class Lesson {
  readonly results: Result[] = [];
  private letters: string[] = [];
  private begun: number;
  private shown: number[] = [];

  /** Ask for the first letter. `random` returns 0 to 1 and orders the letters; times are in seconds. */
  constructor(
    private readonly alphabet: readonly string[],
    now: number,
    private readonly random: () => number = Math.random,
  ) {
    this.begun = now;
    this.shuffle();
  }

  /** The letter that is asked for. */
  get letter(): string {
    return this.letters[0];
  }

  /** Handle a reply; true if the letter was held or drawn and the next one is asked for. */
  see({ letter, confidence, committed, segments }: Answer, now: number): boolean {
    if (letter === this.letter) this.shown.push(confidence);
    if (committed !== this.letter) return false;
    if (MOVING_LETTERS.includes(committed)) this.shown = [segments?.at(-1)?.alternatives[0]?.confidence ?? 0];
    this.finish(now - this.begun, now);
    return true;
  }

  /** Ask for the next letter. */
  skip(now: number): void {
    this.finish(null, now);
  }

  private finish(seconds: number | null, now: number): void {
    const sum = this.shown.reduce((total, confidence) => total + confidence, 0);
    this.results.push({ letter: this.letter, seconds, confidence: this.shown.length ? sum / this.shown.length : 0 });
    this.letters.shift();
    if (!this.letters.length) this.shuffle();
    this.begun = now;
    this.shown = [];
  }

  private shuffle(): void {
    const last = this.results.at(-1)?.letter;
    this.letters = this.alphabet
      .map((letter) => ({ letter, order: letter === last ? 1 : this.random() }))
      .sort((one, other) => one.order - other.order)
      .map(({ letter }) => letter);
  }
}

/** Describe how well a letter was shown. */
export function judge({ seconds, confidence }: Result): string {
  if (seconds === null) return "skipped";
  if (confidence >= 0.9 && seconds < 5) return "clear and quick";
  if (confidence >= 0.9) return "clear";
  return confidence >= 0.7 ? "readable" : "hard to read";
}
