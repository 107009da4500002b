/** The tab Letters: all of them, and one of them large, with how it is formed. */

import { ALPHABET, drawLetter } from "./letters";
import { find, make, setText } from "./page";
import { FORMED } from "./practise/sentences";

export class LettersTab {
  private letter = "A";
  private drawn: boolean | null = null;
  private readonly tiles: { button: HTMLButtonElement; canvas: HTMLCanvasElement }[];

  constructor(
    /** Whether the signer's hand is the left one, and whether pictures are as in a mirror. */
    private readonly isLeft: () => boolean,
    private readonly isMirrored: () => boolean,
  ) {
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
    const { letter } = this;
    const left = this.isLeft();
    const flipped = this.isMirrored() !== left;
    setText("shape-title", letter);
    setText("shape-words", FORMED[letter]);
    document.querySelector('[data-do="other-hand"]')?.setAttribute("aria-pressed", String(left));
    const shape = find<HTMLCanvasElement>("shape");
    shape.setAttribute("aria-label", `${letter}, signed with the ${left ? "left" : "right"} hand`);
    void drawLetter(shape, letter, flipped);
    this.tiles.forEach(({ button }, index) => {
      button.setAttribute("aria-pressed", String(ALPHABET[index] === letter));
    });
    if (this.drawn === flipped) return;
    this.drawn = flipped;
    this.tiles.forEach(({ canvas }, index) => void drawLetter(canvas, ALPHABET[index], flipped));
  }
}
