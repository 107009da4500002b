/** The line of text on the page: words, as buttons where they took the place of their letters, and the current word. */

import { find } from "./page";
import { isReplaced, join, shown, type Text, type Word } from "./text";

/** What is shown for the letters of a word of which none was committed. */
const EMPTY = "·";

/** Show the text. What has not changed is left in place, so that screen readers read out only what is new. */
export function showText(text: Text): void {
  const line = find("text");
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.word : undefined;
  const parts = draw(text);
  const changed = parts.findIndex((part, index) => !line.children[index]?.isEqualNode(part));
  const kept = changed < 0 ? parts.length : changed;
  while (line.children.length > kept) line.lastElementChild?.remove();
  line.append(...parts.slice(kept));
  if (focused) line.querySelector<HTMLElement>(`[data-word="${focused}"]`)?.focus();
}

/** Draw each word and the space after it, then the current word. The last letter can be tapped, if it was read so. */
function draw({ words, current }: Text): HTMLElement[] {
  const spelled = join(current);
  const last = spelled ? words.length : words.map((word) => shown(word) !== "").lastIndexOf(true);
  const parts = words.map((word, index) => {
    return isReplaced(word) ? makePart(drawButton(word, index), " ") : drawLetters(shown(word), " ", index === last);
  });
  return spelled ? [...parts, drawLetters(spelled, "", true)] : parts;
}

function drawLetters(letters: string, after: string, isLast: boolean): HTMLElement {
  if (!isLast) return makePart(letters + after);
  const last = Object.assign(document.createElement("span"), { className: "last", textContent: letters.slice(-1) });
  return makePart(letters.slice(0, -1), last, after);
}

/** Draw a word that took the place of its letters, to be tapped for them. */
function drawButton(word: Word, index: number): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "word";
  button.textContent = shown(word) || EMPTY;
  button.title = word.asRead ? `Bring ${word.accepted} back` : `As read: ${join(word.letters) || "no letter"}`;
  button.dataset.word = String(index);
  button.setAttribute("aria-pressed", String(word.asRead));
  return button;
}

function makePart(...content: (string | Node)[]): HTMLElement {
  const part = document.createElement("span");
  part.append(...content);
  return part;
}
