/** A session of practice: what is asked for, and how it went. No camera, no page and no clock: times are in seconds. */

import type { Show } from "./mastery";

export type Kind = "letters" | "words" | "memory" | "reading";

/** A session ends after so many items, or so many seconds. */
export const ITEMS = 10;
export const LONGEST = 120;
/** Share of a letter's time for which the drawn hand rests before the next one: two equal letters look like two. */
const REST = 0.15;

export interface Summary {
  /** Letters that were shown or read rightly, of how many. */
  right: number;
  asked: number;
  perMinute: number;
  /** The three letters that went worst, of those that did not go well; the worst first. */
  weakest: string[];
  /** For each letter that was taken for others: these. */
  instead: [letter: string, others: string[]][];
}

/** Items to sign: letters, or words letter by letter. */
export class Signing {
  readonly shows: Show[] = [];
  over = false;
  /** Number of the item, and of the letter in it. */
  number = 0;
  position = 0;
  helped = false;
  private instead: string[] = [];
  private asked = 0;
  private readonly watch: Stopwatch;

  constructor(
    readonly items: readonly string[],
    now: number,
  ) {
    this.watch = new Stopwatch(now);
  }

  get item(): string {
    return this.items[this.number];
  }

  /** The letter that is asked for. */
  get letter(): string {
    return this.item[this.position];
  }

  /** A letter was signed; returns whether it was the right one. */
  sign(letter: string, now: number): boolean {
    if (this.over) return false;
    const right = letter === this.letter;
    if (right) this.next(this.watch.read(now) - this.asked, now);
    else if (!this.instead.includes(letter)) this.instead.push(letter);
    return right;
  }

  /** Go on without this letter. */
  skip(now: number): void {
    if (!this.over) this.next(null, now);
  }

  /** The reference hand is looked at. */
  help(): void {
    this.helped = true;
  }

  /** End the session if its time is up. */
  tick(now: number): void {
    if (this.watch.read(now) >= LONGEST) this.over = true;
  }

  pause(now: number): void {
    this.watch.pause(now);
  }

  resume(now: number): void {
    this.watch.resume(now);
  }

  /** Seconds of the session without its pauses. */
  seconds(now: number): number {
    return Math.min(this.watch.read(now), LONGEST);
  }

  private next(seconds: number | null, now: number): void {
    this.shows.push({ letter: this.letter, seconds, instead: this.instead, helped: this.helped });
    [this.instead, this.helped, this.asked] = [[], false, this.watch.read(now)];
    this.position++;
    if (this.position < this.item.length) return;
    [this.number, this.position] = [this.number + 1, 0];
    if (this.number < this.items.length) return;
    this.number = this.items.length - 1;
    this.over = true;
  }
}

/** Words that the drawn hand spells, to be typed. */
export class Reading {
  readonly shows: Show[] = [];
  /** Words that were not read rightly. */
  readonly missed: string[] = [];
  over = false;
  number = 0;
  private begun = 0;
  private readonly watch: Stopwatch;

  /** `speed` is in letters a second. */
  constructor(
    readonly items: readonly string[],
    private readonly speed: number,
    now: number,
  ) {
    this.watch = new Stopwatch(now);
  }

  get item(): string {
    return this.items[this.number];
  }

  /** The letter that the hand shows; null while it rests. */
  letterAt(now: number): string | null {
    const at = (this.watch.read(now) - this.begun) * this.speed;
    return at % 1 < 1 - REST ? (this.item[Math.floor(at)] ?? null) : null;
  }

  /** Spell the word again. */
  replay(now: number): void {
    this.begun = this.watch.read(now);
  }

  /** Compare what was typed and go on; returns whether it was right. */
  answer(typed: string, now: number): boolean {
    const word = this.item;
    const read = typed.trim().toUpperCase();
    const seconds = (this.watch.read(now) - this.begun) / word.length;
    [...word].forEach((letter, at) => {
      const right = read === word || (read.length === word.length && read[at] === letter);
      const other = read.length === word.length && /[A-Z]/.test(read[at]) && !right ? [read[at]] : [];
      this.shows.push({ letter, seconds: right ? seconds : null, instead: other, helped: false });
    });
    if (read !== word) this.missed.push(word);
    this.over = this.over || this.number + 1 >= this.items.length;
    if (!this.over) this.number++;
    this.replay(now);
    return read === word;
  }

  tick(now: number): void {
    if (this.watch.read(now) >= LONGEST) this.over = true;
  }

  pause(now: number): void {
    this.watch.pause(now);
  }

  resume(now: number): void {
    this.watch.resume(now);
  }

  seconds(now: number): number {
    return Math.min(this.watch.read(now), LONGEST);
  }
}

/** Say how a session of so many seconds went. */
export function summarise(shows: readonly Show[], seconds: number): Summary {
  const right = shows.filter((show) => show.seconds !== null).length;
  const worst = new Map<string, number>();
  const instead = new Map<string, string[]>();
  const mean = shows.reduce((sum, show) => sum + (show.seconds ?? 0), 0) / Math.max(right, 1);
  for (const show of shows) {
    const failed = show.seconds === null ? LONGEST : 0;
    const cost = failed + show.instead.length * mean + (show.helped ? mean : 0) + (show.seconds ?? 0);
    worst.set(show.letter, Math.max(worst.get(show.letter) ?? 0, cost));
    for (const other of show.instead) {
      instead.set(show.letter, [...new Set([...(instead.get(show.letter) ?? []), other])]);
    }
  }
  const weakest = [...worst].filter(([, cost]) => cost > mean).sort(([, one], [, other]) => other - one);
  return {
    right,
    asked: shows.length,
    perMinute: seconds > 0 ? (60 * right) / seconds : 0,
    weakest: weakest.slice(0, 3).map(([letter]) => letter),
    instead: [...instead],
  };
}

/** Choose words at random, the signer's own first; `letters` are those that can be spelled. */
export function chooseWords(
  own: readonly string[],
  common: readonly string[],
  letters: readonly string[],
  random: () => number,
): string[] {
  const possible = (words: readonly string[]) =>
    shuffle([...new Set(words)].filter((word) => word && [...word].every((letter) => letters.includes(letter))), random);
  const chosen = possible(own.map((word) => word.toUpperCase())).slice(0, ITEMS / 2);
  return [...chosen, ...possible(common).filter((word) => !chosen.includes(word))].slice(0, ITEMS);
}

/** Ten items of these letters: each as often as the others, none twice in a row if there are several. */
export function chooseLetters(letters: readonly string[], random: () => number): string[] {
  const items: string[] = [];
  while (letters.length && items.length < ITEMS) {
    const round = shuffle(letters, random);
    if (round.length > 1 && round[0] === items.at(-1)) round.push(round.shift() as string);
    items.push(...round);
  }
  return items.slice(0, ITEMS);
}

function shuffle(values: readonly string[], random: () => number): string[] {
  return values
    .map((value) => ({ value, order: random() }))
    .sort((one, other) => one.order - other.order)
    .map(({ value }) => value);
}

/** Seconds since a time, without pauses. */
class Stopwatch {
  private paused: number | null = null;

  constructor(private begun: number) {}

  read(now: number): number {
    return (this.paused ?? now) - this.begun;
  }

  pause(now: number): void {
    this.paused ??= now;
  }

  resume(now: number): void {
    if (this.paused !== null) this.begun += now - this.paused;
    this.paused = null;
  }
}
