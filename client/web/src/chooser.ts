/** The chooser of letters: what the last letter was, if it came out wrong. */

import { find, setText } from "./page";

/** Ask for a letter; `choose` gets it. Closing the dialog chooses none. */
export class Chooser {
  private readonly dialog = find<HTMLDialogElement>("chooser");
  private choose: (letter: string) => void = () => {};

  constructor(private readonly letters: readonly string[]) {
    find("chooser-letters").replaceChildren(
      ...letters.map((letter) => {
        const item = document.createElement("li");
        const button = Object.assign(document.createElement("button"), { type: "button", textContent: letter });
        button.addEventListener("click", () => this.take(letter));
        item.append(button);
        return item;
      }),
    );
    find("chooser-close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("keydown", (event) => {
      const letter = event.key.toUpperCase();
      if (event.ctrlKey || event.metaKey || event.altKey || !this.letters.includes(letter)) return;
      event.preventDefault();
      this.take(letter);
    });
  }

  ask(read: string, choose: (letter: string) => void): void {
    this.choose = choose;
    setText("chooser-title", `${read} was read. Which letter was it?`);
    this.dialog.showModal();
  }

  private take(letter: string): void {
    this.dialog.close();
    this.choose(letter);
  }
}
