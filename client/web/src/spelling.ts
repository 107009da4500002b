/** Spelling: what replies, keys and an absent hand do to the text, and the candidates for the current word. No page. */

import { Completion } from "./completion";
import type { Reply } from "./stream";
import { certain, Text, type Hands, type Letter, type Word } from "./text";
import { makeQuery, type Candidates } from "./words";

/** Seconds without a hand that end a word. */
const AWAY = 1;
/** Seconds within which a second Delete takes back the whole word. */
const TWICE = 0.4;
/** Candidates that can be chosen. */
export const CHOICES = 3;
const NO_CANDIDATES: Candidates = { words: [], accepted: null };

export interface Outside {
  /** Asks the service: `findWords`. */
  find(query: string): Promise<Candidates>;
  /** The signer's own words. */
  own(): readonly string[];
  /** Shows what has changed. */
  show(): void;
  /** Tells the signer something once. */
  tell(text: string): void;
}

export class Spelling {
  readonly text = new Text();
  private readonly completion: Completion;
  /** The question about the current word, and its answer; what was answered before stays until then. */
  private query: string | null = null;
  private answered: string | null = null;
  private candidates = NO_CANDIDATES;
  /** The last word, if it ended before the answer to its question had come. */
  private late: { query: string; word: Word } | null = null;
  /** When a hand was last seen; null if its absence has ended a word, which it does once. */
  private seen: number | null = null;
  /** Whether the frame before had no hand, either: one such frame may be a slip. */
  private missed = false;
  private deleted = -Infinity;

  constructor(
    private readonly outside: Outside,
    private on: boolean,
  ) {
    this.completion = new Completion({
      find: (query) => outside.find(query),
      answer: (query, candidates) => this.onAnswer(query, candidates),
      tell: (text) => outside.tell(text),
    });
  }

  /** The words that the current one may be, the likeliest first. */
  get choices(): readonly string[] {
    return this.candidates.words.slice(0, CHOICES);
  }

  /** The word that takes the place of the letters if the word ends now; null if they stay. */
  get accepted(): string | null {
    return this.query !== null && this.answered === this.query ? this.candidates.accepted : null;
  }

  /** Handle the reply to a frame of this time in seconds; `hands` showed the letter that it commits, if any. */
  see(reply: Reply, hands: Hands, hasHand: boolean, seconds: number): void {
    const before = this.text.value;
    this.text.takeBack(reply.replaced ?? []);
    for (const letter of readLetters(reply, hands)) this.text.add(letter);
    this.update();
    if (reply.committed === "space") this.space();
    if (reply.committed === "del") this.text.delete();
    if (this.isGone(hasHand, seconds) && this.on) this.end(this.accepted);
    this.update();
    if (this.text.value !== before) this.outside.show();
  }

  /** End the current word; without words, add a space. */
  space(): void {
    if (this.on) this.end(this.accepted);
    else this.text.space();
    this.update();
  }

  /** End the current word as a candidate, from 1; nothing if there is no such one. */
  choose(number: number): void {
    const word = this.choices[number - 1];
    if (word === undefined) return;
    this.text.end(word);
    this.update();
  }

  /** Bring back the letters of a word, the last one if none is named; again: the word. */
  toggleAsRead(index?: number): void {
    this.text.toggleAsRead(index);
    this.update();
  }

  /** Delete a letter or a space; with words, the second time soon after, the whole word. `now` is in seconds. */
  delete(now: number): void {
    const twice = this.on && now - this.deleted < TWICE;
    if (twice) this.text.deleteWord();
    else this.text.delete();
    this.deleted = twice ? -Infinity : now;
    this.update();
  }

  clear(): void {
    this.text.clear();
    this.update();
  }

  /** Go back to what was shown before the last change; false if there is none. */
  undo(): boolean {
    const undone = this.text.undo();
    this.update();
    return undone;
  }

  /** Make the text what the signer has typed. */
  edit(value: string): void {
    this.text.edit(value);
    this.update();
  }

  /** Put a letter in the place of another one, wherever that is; the service is asked anew about the last word. */
  replace(letter: Letter, other: Letter): void {
    this.text.replace(letter, other);
    const word = this.text.words.at(-1);
    if (this.on && word?.letters.includes(other) && !this.text.current.length) {
      const query = makeQuery(word.letters, this.outside.own());
      this.late = query === null ? null : { query, word };
      if (query !== null) this.completion.ask(query);
    }
    this.update();
  }

  /** Have letters become words, or not. */
  turn(on: boolean): void {
    this.on = on;
    this.late = null;
    this.completion.drop();
    this.update();
  }

  /** The stream was opened or lost. */
  setConnected(connected: boolean): void {
    this.completion.setConnected(connected);
    if (!connected) return;
    this.query = null; // to be asked again
    this.update();
  }

  /** Ask about the current word if it or the signer's own words have changed. */
  update(): void {
    const query = this.on ? makeQuery(this.text.current, this.outside.own()) : null;
    if (query === this.query) return;
    this.query = query;
    if (query === null) this.candidates = NO_CANDIDATES;
    else this.completion.ask(query);
  }

  /** Whether the hand has now been away for long enough to end a word. */
  private isGone(hasHand: boolean, seconds: number): boolean {
    const missedBefore = this.missed;
    this.missed = !hasHand;
    if (hasHand) this.seen = seconds;
    if (!missedBefore || this.seen === null || seconds - this.seen < AWAY) return false;
    this.seen = null;
    return true;
  }

  private end(accepted: string | null): void {
    const { query } = this;
    const waits = query !== null && this.answered !== query;
    const word = this.text.end(accepted);
    this.late = word && waits ? { query, word } : null;
  }

  private onAnswer(query: string, candidates: Candidates | null): void {
    if (this.late?.query === query) {
      this.text.accept(this.late.word, candidates?.accepted ?? null);
      this.late = null;
      this.update();
    }
    if (this.query === query) {
      this.answered = query;
      this.candidates = candidates ?? NO_CANDIDATES;
    }
    this.outside.show();
  }
}

/** The letters that a reply adds. A service of an older release says only which one is committed. */
function readLetters({ segments, committed }: Reply, hands: Hands): Letter[] {
  if (segments) return segments.map((segment) => ({ segment, hands: segment.committed ? hands : [] }));
  return committed?.length === 1 ? [certain(committed, hands)] : [];
}
