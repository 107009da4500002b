/** What the signer can do: how each letter went the last times, and on which days was practised. Stays in this browser. */

import { ALPHABET } from "../letters";

export type Level = "new" | "learning" | "known" | "strong";

/** One time that a letter was asked for. */
export interface Show {
  letter: string;
  /** Seconds until it was shown; null if it was skipped. */
  seconds: number | null;
  /** What was read instead before it was right. */
  instead: readonly string[];
  /** Whether the reference hand was seen. */
  helped: boolean;
}

type Kept = Omit<Show, "letter">;
type Storage = Pick<globalThis.Storage, "getItem" | "setItem">;

const KEY = "fingerspell.practise";
const VERSION = 1;
/** How many shows of each letter are kept, and from how many on a letter can be known. */
const KEPT = 10;
const ENOUGH = 3;
/** Seconds within which a letter is known, and strong; the mean of the last shows. */
const KNOWN = 6;
const STRONG = 3;
const DAYS = 35;
/** Letters that are kept as read instead of one that was asked for. */
const MOST_INSTEAD = 3;

/**
 * Letters that the reader itself misses on photographs of people more often than one time in five, with the share that
 * it reads rightly: reports/people/development.json, network custom_cnn.
 */
export const READ_BADLY: Readonly<Record<string, number>> = { C: 0.79, M: 0.71, R: 0.71, X: 0.69 };

export class Mastery {
  private letters = new Map<string, Kept[]>();
  /** Seconds practised on each day, such as "2026-11-28", oldest first. */
  private days = new Map<string, number>();

  constructor(private readonly storage: Storage) {
    this.read(storage.getItem(KEY) ?? "");
  }

  /** Add how a letter went. */
  add({ letter, seconds, instead, helped }: Show): void {
    const shows = [...this.shows(letter), { seconds, instead: instead.slice(0, MOST_INSTEAD), helped }];
    this.letters.set(letter, shows.slice(-KEPT));
    this.write();
  }

  /** Add practice to a day, such as "2026-11-28". */
  addTime(day: string, seconds: number): void {
    this.days.set(day, (this.days.get(day) ?? 0) + seconds);
    this.days = new Map([...this.days].sort(([one], [other]) => (one < other ? -1 : 1)).slice(-DAYS));
    this.write();
  }

  /** Seconds practised on a day. */
  practised(day: string): number {
    return this.days.get(day) ?? 0;
  }

  /**
   * How well a letter is known, by its last three shows: learning if one was skipped, seen with help or too slow, known
   * within six seconds on average, strong within three.
   */
  level(letter: string): Level {
    const last = this.shows(letter).slice(-ENOUGH);
    if (!last.length) return "new";
    if (last.length < ENOUGH || last.some(({ seconds, helped }) => seconds === null || helped)) return "learning";
    const mean = last.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) / last.length;
    if (mean > KNOWN) return "learning";
    return mean > STRONG ? "known" : "strong";
  }

  /** Letters by how badly they are known, the weakest first: those shown worst, then new ones. */
  weakest(alphabet: readonly string[]): string[] {
    return alphabet
      .map((letter, order) => ({ letter, need: this.need(letter), order }))
      .sort((one, other) => other.need - one.need || one.order - other.order)
      .map(({ letter }) => letter);
  }

  /** Forget everything. */
  erase(): void {
    this.letters.clear();
    this.days.clear();
    this.write();
  }

  /** All that is kept, as JSON. */
  export(): string {
    const letters = Object.fromEntries([...this.letters].sort());
    return JSON.stringify({ version: VERSION, letters, days: Object.fromEntries(this.days) }, null, 1);
  }

  private shows(letter: string): readonly Kept[] {
    return this.letters.get(letter) ?? [];
  }

  /** Mean seconds of the last shows, a skipped one as twice what is known; a new letter is between learning and known. */
  private need(letter: string): number {
    const last = this.shows(letter).slice(-ENOUGH);
    if (!last.length) return KNOWN;
    return last.reduce((sum, { seconds }) => sum + Math.min(seconds ?? 2 * KNOWN, 2 * KNOWN), 0) / last.length;
  }

  /** Read what is stored; what of it is damaged is left out, the rest is kept. */
  private read(text: string): void {
    const stored = parse(text);
    if (stored.version !== VERSION) return;
    for (const [letter, shows] of Object.entries(asRecord(stored.letters))) {
      const whole = Array.isArray(shows) ? shows.filter(isKept) : [];
      if (ALPHABET.includes(letter) && whole.length) this.letters.set(letter, whole.slice(-KEPT));
    }
    for (const [day, seconds] of Object.entries(asRecord(stored.days)).sort().slice(-DAYS)) {
      if (/^\d{4}-\d\d-\d\d$/.test(day) && isTime(seconds)) this.days.set(day, seconds);
    }
  }

  private write(): void {
    this.storage.setItem(KEY, this.export());
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(text || "{}"));
  } catch {
    return {};
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isKept(value: unknown): value is Kept {
  const { seconds, instead, helped } = asRecord(value);
  const letters = Array.isArray(instead) && instead.every((letter) => ALPHABET.includes(letter as string));
  return (seconds === null || isTime(seconds)) && letters && typeof helped === "boolean";
}
