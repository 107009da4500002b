import type { Point } from "./mask";

/** Hands as shares of the mask's side. */
type Hands = readonly (readonly Point[])[];

export interface Written {
  position: number;
  letter: string;
  /** The hands that were recognised as this letter; none if it was not signed. */
  hands: Hands;
}

/** What was spelled: committed letters are added, buttons edit it. */
export class Text {
  private cleared: [string, Map<number, Hands>] = ["", new Map()];
  private hands = new Map<number, Hands>();

  constructor(public value = "") {}

  /** Add a committed label and the hands that showed it. The labels `space`, `del` and `nothing` of some data sets are heeded. */
  commit(label: string | null, hands: Hands = []): void {
    if (label === null || label === "nothing") return;
    if (label === "space") this.value += " ";
    else if (label === "del") this.delete();
    else {
      this.hands.set(this.value.length, hands);
      this.value += label;
    }
  }

  space(): void {
    this.value += " ";
  }

  delete(): void {
    this.value = this.value.slice(0, -1);
    this.hands.delete(this.value.length);
  }

  /** Clear the text; again: bring it back. */
  clear(): void {
    const empty: [string, Map<number, Hands>] = ["", new Map()];
    const [before, after] = this.value ? [[this.value, this.hands] as const, empty] : [empty, this.cleared];
    this.cleared = [before[0], before[1]];
    [this.value, this.hands] = after;
  }

  /** The last letter, spaces after it aside; null if there is none. */
  get last(): Written | null {
    const position = this.value.trimEnd().length - 1;
    if (position < 0) return null;
    return { position, letter: this.value[position], hands: this.hands.get(position) ?? [] };
  }

  /** Put a letter in the place of another one; nothing if that is not there any more. */
  replace(position: number, from: string, to: string): void {
    if (this.value[position] !== from) return;
    this.value = this.value.slice(0, position) + to + this.value.slice(position + 1);
  }
}
