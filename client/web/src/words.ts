/** Asks the service which word some letters are: `POST /words`. */

import { explain, post, Unanswered } from "./request";
import type { Letter } from "./text";

/** What the current word may be. */
export interface Candidates {
  /** The likeliest first; the letters as they were read may be among them. */
  readonly words: readonly string[];
  /** The word that takes the place of the letters when the word ends; null if they stay. */
  readonly accepted: string | null;
}

/** Milliseconds that the service may take: whoever spells does not wait. */
const TIMEOUT = 2000;
/** Segments of a word that the service takes. */
const MOST_SEGMENTS = 64;

/** The service knows no words. */
export class NoWords extends Error {}

/** The question about a word, as JSON; null if there is none that the service would take. */
export function makeQuery(letters: readonly Letter[], own: readonly string[]): string | null {
  const segments = letters.map(({ segment }) => segment);
  const known = segments.every(({ alternatives }) => alternatives.every(({ letter }) => /^[A-Z]$/.test(letter)));
  if (!segments.length || segments.length > MOST_SEGMENTS || !known) return null;
  return JSON.stringify({ segments, own });
}

/** Ask a question. Throws NoWords, Unanswered, or an Error with what the service said. */
export async function findWords(query: string, token: string): Promise<Candidates> {
  const response = await post("/words", query, token, TIMEOUT);
  if (response.status === 404 || response.status === 405) throw new NoWords("This service is of an older release, which knows no words");
  if (response.ok) return check(await response.json().catch(() => null));
  const why = await explain(response);
  if (response.status === 501) throw new NoWords(why);
  throw response.status === 429 || response.status >= 500 ? new Unanswered(why) : new Error(why);
}

function check(reply: unknown): Candidates {
  const { words, accepted } = (reply ?? {}) as { words?: unknown; accepted?: unknown };
  const isWord = (each: unknown): each is { word: string } => typeof (each as { word?: unknown } | null)?.word === "string";
  if (!Array.isArray(words) || !words.every(isWord) || (accepted !== null && typeof accepted !== "string")) {
    throw new Error("The service's answer is not a list of words. Reload this page");
  }
  return { words: words.map(({ word }) => word), accepted };
}
