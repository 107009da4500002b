/** Learning from a mistake: the last letter of the text becomes what it was, and its hands join the profile. */

import type { Chooser } from "./chooser";
import type { OwnHand } from "./ownHand";
import type { Text } from "./text";

export class Mistakes {
  constructor(
    private readonly text: Text,
    private readonly chooser: Chooser,
    private readonly own: OwnHand,
    private readonly show: () => void,
    /** Tells the signer something, which the undo takes back if it is so. */
    private readonly tell: (text: string, undo: boolean) => void,
  ) {}

  /** Ask what the last letter was. */
  ask(): void {
    const last = this.text.last;
    if (!last) return this.tell("Nothing is written yet", false);
    this.chooser.ask(last.letter, (letter) => this.learn(letter, last));
  }

  /** Take the last mistake back. */
  async undo(): Promise<void> {
    const undone = await this.own.undo();
    this.show();
    this.tell(undone ? "It is as it was before" : "Nothing was learned that could be undone", false);
  }

  private learn(letter: string, { position, letter: read, hands }: NonNullable<Text["last"]>): void {
    if (letter === read) return;
    this.text.replace(position, read, letter);
    void this.own.learn(letter, hands, () => this.text.replace(position, letter, read));
    this.show();
    const lesson = hands.length ? `Your hand's ${letter} is learned from it.` : "No hand of it was kept to learn from.";
    this.tell(`That was ${letter}. ${lesson}`, true);
  }
}
