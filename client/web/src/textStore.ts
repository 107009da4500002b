/** The text and the lines before it, kept in this browser, so that nothing is lost when the page is left. */

import type { Letter, Segment, Text, Word } from "./text";

export interface Line {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

type Store = Pick<Storage, "getItem" | "setItem">;

const TEXT = "fingerspell text";
const LINES = "fingerspell lines";
/** Lines that are kept. */
const MOST_LINES = 100;

interface Kept {
  words: { segments: Segment[]; accepted: string | null; asRead: boolean }[];
  current: Segment[];
}

/** Keep the text. The hands of its letters are not kept. */
export function writeText(store: Store, { words, current }: Text): void {
  const segments = (letters: readonly Letter[]) => letters.map(({ segment }) => segment);
  const kept: Kept = {
    words: words.map(({ letters, accepted, asRead }) => ({ segments: segments(letters), accepted, asRead })),
    current: segments(current),
  };
  store.setItem(TEXT, JSON.stringify(kept));
}

/** Bring the kept text back; one that cannot be read is left out. */
export function readText(store: Store, text: Text): void {
  const kept = parse(store.getItem(TEXT)) as Partial<Kept> | null;
  if (!Array.isArray(kept?.words) || !isSegments(kept.current)) return;
  const words: Word[] = [];
  for (const word of kept.words) {
    if (!isSegments(word?.segments) || !(word.accepted === null || typeof word.accepted === "string") || typeof word.asRead !== "boolean") return;
    words.push({ letters: letters(word.segments), accepted: word.accepted, asRead: word.asRead });
  }
  text.restore(words, letters(kept.current));
}

/** The lines before, the newest first. */
export function readLines(store: Store): Line[] {
  const kept = parse(store.getItem(LINES));
  const isLine = (each: unknown): each is Line => {
    const line = each as Partial<Line> | null;
    return typeof line?.text === "string" && typeof line.time === "number";
  };
  return Array.isArray(kept) ? kept.filter(isLine) : [];
}

/** Keep a line before all others; returns all that are kept. */
export function addLine(store: Store, line: Line): Line[] {
  return writeLines(store, [line, ...readLines(store)]);
}

/** Keep these lines and no others. */
export function writeLines(store: Store, lines: readonly Line[]): Line[] {
  const kept = lines.slice(0, MOST_LINES);
  store.setItem(LINES, JSON.stringify(kept));
  return kept;
}

function letters(segments: readonly Segment[]): Letter[] {
  return segments.map((segment) => ({ segment, hands: [] }));
}

function isSegments(value: unknown): value is Segment[] {
  return (
    Array.isArray(value) &&
    value.every((each: Partial<Segment> | null) => {
      const { alternatives, seconds, committed } = each ?? {};
      return (
        Array.isArray(alternatives) &&
        alternatives.length > 0 &&
        alternatives.every(({ letter, confidence }) => typeof letter === "string" && typeof confidence === "number") &&
        typeof seconds === "number" &&
        typeof committed === "boolean"
      );
    })
  );
}

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
