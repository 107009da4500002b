/** The text as words: those that have ended, and the one that is being spelled. No clock, no service, no page. */

import type { Point } from "./mask";

/** Hands as shares of the mask's side. */
export type Hands = readonly (readonly Point[])[];

/** One letter as the service saw it. */
export interface Segment {
  /** The likeliest letters, best first. */
  readonly alternatives: readonly { readonly letter: string; readonly confidence: number }[];
  readonly seconds: number;
  /** Whether it joins the text; else it is a weak letter, held too briefly or not sure enough. */
  readonly committed: boolean;
}

export interface Letter {
  readonly segment: Segment;
  /** The hands that were recognised as this letter; none if it was not signed. */
  readonly hands: Hands;
}

/** A word that has ended. */
export interface Word {
  readonly letters: readonly Letter[];
  /** The word that takes the place of its letters; null if they stay. */
  readonly accepted: string | null;
  /** Whether the signer wants the letters all the same. */
  readonly asRead: boolean;
}

type State = readonly [words: readonly Word[], current: readonly Letter[]];

/** A letter that is certain, for example because the signer says so. */
export function certain(letter: string, hands: Hands = [], seconds = 0): Letter {
  return { segment: { alternatives: [{ letter, confidence: 1 }], seconds, committed: true }, hands };
}

/** What is shown of letters: those that were committed. */
export function join(letters: readonly Letter[]): string {
  return letters.map(({ segment }) => (segment.committed ? segment.alternatives[0].letter : "")).join("");
}

/** Whether another word takes the place of a word's letters, or did. */
export function isReplaced({ accepted, letters }: Word): boolean {
  return accepted !== null && accepted !== join(letters);
}

/** What is shown of a word that has ended. */
export function shown({ letters, accepted, asRead }: Word): string {
  return accepted === null || asRead ? join(letters) : accepted;
}

/** Changes that can be undone. */
const STEPS = 50;

export class Text {
  private state: State = [[], []];
  private past: readonly State[] = [];

  get words(): readonly Word[] {
    return this.state[0];
  }

  get current(): readonly Letter[] {
    return this.state[1];
  }

  /** Everything as it is shown: a space after each word that has ended. */
  get value(): string {
    return this.words.map((word) => `${shown(word)} `).join("") + join(this.current);
  }

  add(letter: Letter): void {
    this.become(this.words, [...this.current, letter]);
  }

  /** Go back to what was shown before the last change; false if there is none. */
  undo(): boolean {
    const before = this.past.at(-1);
    if (!before) return false;
    this.state = before;
    this.past = this.past.slice(0, -1);
    return true;
  }

  /** Make the text what the signer has typed. Words that stay as they are keep what is known of their letters. */
  edit(value: string): void {
    const typed = value.split(" ");
    const last = typed.pop() ?? "";
    const most = Math.min(typed.length, this.words.length);
    let start = 0;
    while (start < most && shown(this.words[start]) === typed[start]) start++;
    let end = 0;
    while (end < most - start && shown(this.words[this.words.length - 1 - end]) === typed[typed.length - 1 - end]) end++;
    const middle = typed.slice(start, typed.length - end).map((word): Word => ({ letters: type(word), accepted: null, asRead: false }));
    const words = [...this.words.slice(0, start), ...middle, ...this.words.slice(this.words.length - end)];
    const spelled = join(this.current);
    const current = last.startsWith(spelled) ? [...this.current, ...type(last.slice(spelled.length))] : type(last);
    this.become(words, current);
  }

  /**
   * Take the last segments of the current word back that equal these, from the last on, until one does not: the signer has
   * deleted or corrected that meanwhile.
   */
  takeBack(segments: readonly Segment[]): void {
    for (const segment of [...segments].reverse()) {
      const last = this.current.at(-1);
      if (!last || !isSame(last.segment, segment)) return;
      this.become(this.words, this.current.slice(0, -1));
    }
  }

  /** End the current word, with a space; returns it, or null if there is none: no committed letters, and no word accepted. */
  end(accepted: string | null = null): Word | null {
    if (join(this.current) || accepted) return this.space(accepted);
    this.become(this.words, []);
    return null;
  }

  /** Add a space, even after another one. */
  space(accepted: string | null = null): Word {
    const word = { letters: this.current, accepted, asRead: false };
    this.become([...this.words, word], []);
    return word;
  }

  /** Put a word in the place of the last one's letters, if that is still this one. */
  accept(word: Word, accepted: string | null): void {
    if (this.words.at(-1) === word) this.become([...this.words.slice(0, -1), { ...word, accepted }], this.current);
  }

  /** Bring back a word's letters as they were read, or the word again; nothing if no word has replaced them. */
  toggleAsRead(index = this.words.length - 1): void {
    const toggle = (word: Word, at: number) => (at === index && isReplaced(word) ? { ...word, asRead: !word.asRead } : word);
    this.become(this.words.map(toggle), this.current);
  }

  /** Delete the last letter and the weak ones after it; in an empty word the space, so that the word before goes on. */
  delete(): void {
    const last = this.current.map(({ segment }) => segment.committed).lastIndexOf(true);
    if (last >= 0) return this.become(this.words, this.current.slice(0, last));
    const word = this.words.at(-1);
    this.become(this.words.slice(0, -1), word ? reopen(word) : []);
  }

  /** Delete all of the current word. */
  deleteWord(): void {
    this.become(this.words, []);
  }

  clear(): void {
    this.become([], []);
  }

  /** Begin with words and letters that were kept. */
  restore(words: readonly Word[], current: readonly Letter[]): void {
    this.state = [words, current];
  }

  /** The last letter that was read and committed, spaces after it aside; null if there is none. */
  get last(): Letter | null {
    const all = [...this.words.flatMap(({ letters }) => letters), ...this.current];
    return all.filter(({ segment }) => segment.committed).at(-1) ?? null;
  }

  /** Put a letter in the place of another one, whose word then is its letters again; nothing if that is not there any more. */
  replace(letter: Letter, other: Letter): void {
    const swap = (letters: readonly Letter[]) => letters.map((each) => (each === letter ? other : each));
    const words = this.words.map((word) => {
      return word.letters.includes(letter) ? { letters: swap(word.letters), accepted: null, asRead: false } : word;
    });
    this.become(words, swap(this.current));
  }

  private become(words: readonly Word[], current: readonly Letter[]): void {
    const [before, value] = [this.state, this.value];
    this.state = [words, current];
    if (this.value !== value) this.past = [...this.past, before].slice(-STEPS);
  }
}

function type(word: string): Letter[] {
  return [...word].map((letter) => certain(letter));
}

function isSame(one: Segment, other: Segment): boolean {
  const { alternatives } = other;
  return (
    one.seconds === other.seconds &&
    one.committed === other.committed &&
    one.alternatives.length === alternatives.length &&
    one.alternatives.every(({ letter, confidence }, at) => {
      return letter === alternatives[at].letter && confidence === alternatives[at].confidence;
    })
  );
}

/** The letters of a word as it is shown, to be spelled on. */
function reopen(word: Word): readonly Letter[] {
  return shown(word) === join(word.letters) ? word.letters : [...shown(word)].map((letter) => certain(letter));
}
