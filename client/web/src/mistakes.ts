/** Learning from a mistake: the last letter of the text becomes what it was, and its hands join the profile. */

import type { Chooser } from "./chooser";
import { MOVING_LETTERS } from "./letters";
import type { OwnHand } from "./ownHand";
import type { Spelling } from "./spelling";
import { certain, type Letter } from "./text";

export class Mistakes {
  constructor(
    private readonly spelling: Spelling,
    private readonly chooser: Pick<Chooser, "ask">,
    private readonly own: OwnHand,
    private readonly show: () => void,
    /** Tells the signer something, which the undo takes back if it is so. */
    private readonly tell: (text: string, undo: boolean) => void,
  ) {}

  /** Ask what the last letter was. */
  ask(): void {
    const { last } = this.spelling.text;
    if (!last) return this.tell("Nothing is written yet", false);
    this.chooser.ask(read(last), (letter) => this.learn(letter, last));
  }

  /** The last letter was this one. */
  correct(letter: string): void {
    const { last } = this.spelling.text;
    if (last) this.learn(letter, last);
  }

  /** Take the last mistake back. */
  async undo(): Promise<void> {
    const undone = await this.own.undo();
    this.show();
    this.tell(undone ? "It is as it was before" : "Nothing was learned that could be undone", false);
  }

  private learn(letter: string, last: Letter): void {
    if (letter === read(last)) return;
    const { segment } = last;
    const moving = [letter, read(last)].find((each) => MOVING_LETTERS.includes(each));
    const hands = moving ? [] : last.hands; // a profile has handshapes that are held still
    const meant = certain(letter, hands, segment.seconds);
    this.spelling.replace(last, meant);
    void this.own.learn(letter, hands, () => this.spelling.replace(meant, last));
    this.show();
    this.tell(`That was ${letter}. ${describeLesson(letter, hands.length, moving)}`, true);
  }
}

function describeLesson(letter: string, hands: number, moving: string | undefined): string {
  if (moving) return `It is corrected, not learned, because ${moving} moves.`;
  return hands ? `Your hand's ${letter} is learned from it.` : "No hand of it was kept to learn from.";
}

function read({ segment }: Letter): string {
  return segment.alternatives[0].letter;
}
