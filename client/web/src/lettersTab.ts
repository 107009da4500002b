/** The tab Letters: all of them, and one of them large, with how it is formed. */

import { ALPHABET, drawLetter } from "./letters";
import { find, make, setText } from "./page";
import { SENTENCES } from "./practise/sentences";

export class LettersTab {
  private letter = "A";
  private drawn = "";
  private readonly tiles: { button: HTMLButtonElement; canvas: HTMLCanvasElement }[];

  constructor(private readonly hand: () => "right" | "left") {
    this.tiles = ALPHABET.map((letter) => {
      const canvas = make("canvas", { width: 110, height: 110 });
      canvas.setAttribute("aria-hidden", "true");
      const button = make("button", { type: "button" }, canvas, make("span", { textContent: letter }));
      button.addEventListener("click", () => {
        this.letter = letter;
        this.render();
      });
      return { button, canvas };
    });
    find("chart").append(...this.tiles.map(({ button }) => make("li", {}, button)));
  }

  /** The letter that is shown large. */
  get chosen(): string {
    return this.letter;
  }

  render(): void {
    const hand = this.hand();
    const { letter } = this;
    setText("shape-title", letter);
    setText("shape-words", SENTENCES[letter] ?? "");
    document.querySelector('[data-do="other-hand"]')?.setAttribute("aria-pressed", String(hand === "left"));
    const shape = find<HTMLCanvasElement>("shape");
    shape.setAttribute("aria-label", `${letter}, signed with the ${hand} hand, as in a mirror`);
    void drawLetter(shape, letter, hand);
    this.tiles.forEach(({ button }, index) => {
      button.setAttribute("aria-pressed", String(ALPHABET[index] === letter));
    });
    if (this.drawn === hand) return;
    this.drawn = hand;
    this.tiles.forEach(({ canvas }, index) => void drawLetter(canvas, ALPHABET[index], hand));
  }
}
