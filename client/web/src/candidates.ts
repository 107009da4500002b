/** The buttons with the words that the current one may be. */

import { find } from "./page";
import { CHOICES, type Spelling } from "./spelling";

const buttons = Array.from({ length: CHOICES }, (_, index) => {
  const button = Object.assign(document.createElement("button"), { type: "button", hidden: true });
  button.dataset.do = `choose-${index + 1}`;
  const key = Object.assign(document.createElement("kbd"), { textContent: String(index + 1) });
  button.append(key, " ", document.createElement("span"));
  return button;
});
find("candidates").append(...buttons);

/** Show the candidates. The one that the word becomes by itself is marked. The buttons stay, and so does the focus. */
export function showCandidates({ choices, accepted }: Spelling): void {
  buttons.forEach((button, index) => {
    const word = choices[index];
    button.hidden = word === undefined;
    button.classList.toggle("accepted", word !== undefined && word === accepted);
    const label = button.querySelector("span");
    if (word !== undefined && label && label.textContent !== word) label.textContent = word;
  });
}
