/** What the signer has chosen for practice, stored in the browser. */

import { ALPHABET } from "../letters";
import type { Kind } from "./session";

export interface Choices {
  kind: Kind;
  /** The letters to practise; none are the weakest. */
  letters: string[];
  /** Letters a second that the drawn hand spells. */
  speed: number;
  /** Whether the signer's hand is the left one. */
  left: boolean;
}

type Storage = Pick<globalThis.Storage, "getItem" | "setItem">;

const KEY = "fingerspell.practise.choices";
export const KINDS: readonly Kind[] = ["letters", "words", "memory", "reading"];
export const SPEEDS = { slowest: 1, fastest: 5 };

/** Read the choices; what is missing or damaged gets its default. */
export function readChoices(storage: Storage): Choices {
  const choices: Choices = { kind: "letters", letters: [], speed: 2, left: false };
  try {
    const stored = JSON.parse(storage.getItem(KEY) ?? "{}") as Partial<Record<keyof Choices, unknown>>;
    const { kind, letters, speed, left } = stored;
    if (KINDS.includes(kind as Kind)) choices.kind = kind as Kind;
    if (Array.isArray(letters)) choices.letters = ALPHABET.filter((letter) => letters.includes(letter));
    if (Number.isInteger(speed)) choices.speed = limitSpeed(speed as number);
    if (typeof left === "boolean") choices.left = left;
  } catch {
    // unreadable choices are replaced by the defaults
  }
  return choices;
}

export function writeChoices(storage: Storage, choices: Choices): void {
  storage.setItem(KEY, JSON.stringify(choices));
}

export function limitSpeed(speed: number): number {
  return Math.min(Math.max(speed, SPEEDS.slowest), SPEEDS.fastest);
}
