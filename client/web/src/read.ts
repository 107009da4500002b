/** The tab Read: the letter and how sure it is, the text as a field, its words, and what can be done with it. */

import { drawMask } from "./drawing";
import { MASK_SIZE } from "./mask";
import { fill, find, make, setText } from "./page";
import { CHOICES, type Spelling } from "./spelling";
import { certaintyOf, letterOf, type PageState } from "./state";
import { isReplaced, join, shown, type Word } from "./text";
import { addLine, readLines, readText, writeLines, writeText, type Line } from "./textStore";

/** Milliseconds for which voices are waited for: browsers load them when they are first asked for. */
const VOICES = 2000;
/** What is shown for the letters of a word of which none was committed. */
const EMPTY = "·";

type Store = Pick<Storage, "getItem" | "setItem">;

const [maskContext, trailContext] = ["mask", "trail"].map((id) => {
  const canvas = find<HTMLCanvasElement>(id);
  canvas.width = canvas.height = MASK_SIZE;
  return canvas.getContext("2d");
});
const prediction = find("prediction");
const field = find<HTMLTextAreaElement>("text");
const underlines = find("underlines");
const large = find<HTMLDialogElement>("large-dialog");
const history = find<HTMLDialogElement>("lines-dialog");

/** Show the letter, how sure it is, and what was sent. */
export function renderPrediction({ reply, sent, runnerUp, writing, paused, threshold, takesTrails }: PageState): void {
  const shownReply = paused ? null : reply;
  prediction.dataset.is = certaintyOf(shownReply);
  setText("letter", letterOf(shownReply));
  setText("advice", advise(shownReply, writing));
  setText("runner-up", runnerUp && shownReply ? `or ${runnerUp}?` : "");
  const confidence = shownReply?.confidence ?? 0;
  find<HTMLProgressElement>("sure").value = confidence;
  setText("percent", `${Math.round(100 * confidence)} %`);
  find("mark").style.left = `${100 * threshold}%`;
  find("trail").hidden = !takesTrails;
  if (maskContext) drawMask(maskContext, sent?.mask ?? null);
  if (trailContext && takesTrails) drawMask(trailContext, sent?.trail ?? null);
  setText("caption", sent ? "This is all we send" : "Nothing is sent");
}

function advise(reply: PageState["reply"], writing: boolean): string {
  if (reply?.smoothed && !writing) return "Not written";
  if (reply?.smoothed) return reply.progress >= 1 ? "Added" : "Hold it";
  if (reply?.letter) return "Keep still";
  return reply?.confidence ? "Not sure" : "";
}

/** The text and what belongs to it. */
export class Written {
  private value = "";

  constructor(
    private readonly spelling: Spelling,
    private readonly store: Store,
    /** Says something for a moment. */
    private readonly note: (text: string) => void,
    /** The letter that the last one may have been instead; "" if it is clear. */
    private readonly runnerUp: () => string,
  ) {
    readText(store, spelling.text);
    field.addEventListener("input", () => {
      spelling.edit(field.value);
      this.render();
    });
    field.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault(); // the browser's own undo knows nothing of signed letters
      this.actions.undo();
      this.render();
    });
    field.addEventListener("scroll", () => (underlines.scrollTop = field.scrollTop));
    find("lines").addEventListener("click", ({ target }) => {
      const time = target instanceof Element ? target.closest<HTMLElement>("[data-line]")?.dataset.line : undefined;
      if (time !== undefined) this.bringBack(Number(time));
    });
    find("share").hidden = !("share" in navigator);
    if ("speechSynthesis" in window) speechSynthesis.getVoices(); // has them loaded
  }

  readonly actions = {
    space: () => this.spelling.space(),
    delete: () => this.spelling.delete(performance.now() / 1000),
    undo: () => {
      if (!this.spelling.undo()) this.note("Nothing to undo");
    },
    "as-read": () => this.spelling.toggleAsRead(),
    "new-line": () => this.beginLine(),
    copy: () => {
      navigator.clipboard.writeText(this.value).then(
        () => this.note("Copied"),
        () => this.note("This browser does not allow copying"),
      );
    },
    share: () => {
      navigator.share({ text: this.value }).catch(() => undefined); // who closes it has chosen not to share
    },
    speak: () => void this.speak(),
    large: () => {
      if (large.open) large.close();
      else large.showModal();
    },
    turn: () => find("large-text").classList.toggle("turned"),
    history: () => {
      this.renderLines();
      history.showModal();
    },
    "erase-lines": () => this.renderLines(writeLines(this.store, [])),
    ...Object.fromEntries(Array.from({ length: CHOICES }, (_, index) => [`choose-${index + 1}`, () => this.spelling.choose(index + 1)])),
  } satisfies Record<string, () => unknown>;

  /** Show the text if it has changed, its candidates, and keep it. */
  render(): void {
    const { text } = this.spelling;
    this.renderCandidates();
    fill("underlines", text.words.map(underlined), () => [...text.words.flatMap(drawWord), join(text.current)]);
    if (field.value !== text.value) this.write(text.value);
    if (this.value === text.value) return;
    this.value = text.value;
    setText("large-text", this.value);
    setText("said", this.value.endsWith(" ") ? (this.value.trim().split(" ").at(-1) ?? "") : this.value.slice(-1));
    writeText(this.store, text);
  }

  /** Set the field's text; the caret stays where it is, or at the end. */
  private write(value: string): void {
    const { selectionStart, selectionEnd } = field;
    const isAtEnd = selectionStart === field.value.length;
    field.value = value;
    if (document.activeElement === field && !isAtEnd) field.setSelectionRange(selectionStart, selectionEnd);
    field.scrollTop = field.scrollHeight;
  }

  private renderCandidates(): void {
    const { choices, accepted, text } = this.spelling;
    const replaced = text.words.at(-1);
    const asRead = replaced && !text.current.length && isReplaced(replaced) ? replaced : null;
    const other = this.runnerUp();
    fill("candidates", [choices, accepted, asRead && [shown(asRead), asRead.asRead], other, text.last !== null], () => [
      ...choices.map((word, index) => {
        const chip = makeChip(`choose-${index + 1}`, make("kbd", { textContent: String(index + 1) }), ` ${word}`);
        chip.classList.toggle("accepted", word === accepted);
        return chip;
      }),
      ...(asRead ? [makeAside("as-read", asRead.asRead ? `Bring ${asRead.accepted} back` : `As read: ${join(asRead.letters) || EMPTY}`, "R")] : []),
      ...(other ? [makeAside("runner-up", `${other}?`, "")] : []),
      ...(text.last ? [makeAside("wrong", `Not ${text.last.segment.alternatives[0].letter}`, "W")] : []),
    ]);
  }

  /** Keep the line, and begin a new one. */
  private beginLine(): void {
    if (history.open) history.close();
    const text = this.value.trim();
    if (!text) return this.note("This line is empty");
    addLine(this.store, { text, time: Date.now() });
    this.spelling.clear();
    this.note("New line. Z brings the text back");
  }

  private bringBack(time: number): void {
    const line = readLines(this.store).find((each) => each.time === time);
    if (!line) return;
    this.spelling.edit(`${this.spelling.text.value}${line.text} `);
    history.close();
    this.render();
  }

  private renderLines(lines: readonly Line[] = readLines(this.store)): void {
    find("lines").replaceChildren(
      ...lines.map(({ text, time }) => {
        const button = make("button", { type: "button", textContent: "Bring back" });
        button.dataset.line = String(time);
        button.setAttribute("aria-label", `Bring ${text} back`);
        return make("li", {}, make("span", { textContent: text }), button);
      }),
    );
  }

  private async speak(): Promise<void> {
    if (!this.value.trim()) this.note("Nothing to read aloud yet");
    else if (!("speechSynthesis" in window) || !(await hasVoice())) this.note("No voice is installed");
    else {
      speechSynthesis.cancel();
      speechSynthesis.speak(new SpeechSynthesisUtterance(this.value.toLowerCase()));
    }
  }
}

/** Whether there is a voice, once the browser has loaded them. */
async function hasVoice(): Promise<boolean> {
  if (speechSynthesis.getVoices().length) return true;
  await new Promise((done) => {
    speechSynthesis.addEventListener("voiceschanged", done, { once: true });
    setTimeout(done, VOICES);
  });
  return speechSynthesis.getVoices().length > 0;
}

function underlined(word: Word): [string, boolean, boolean] {
  return [shown(word), isReplaced(word), word.asRead];
}

/** Draw what lies behind a word and the space after it: a line if the word has taken the place of its letters. */
function drawWord(word: Word): (Node | string)[] {
  return isReplaced(word) ? [make("u", { textContent: shown(word), className: word.asRead ? "as-read" : "" }), " "] : [`${shown(word)} `];
}

function makeChip(action: string, ...content: (string | Node)[]): HTMLButtonElement {
  const chip = make("button", { type: "button" }, ...content);
  chip.dataset.do = action;
  return chip;
}

function makeAside(action: string, text: string, key: string): HTMLButtonElement {
  const chip = makeChip(action, text, ...(key ? [" ", make("kbd", { textContent: key })] : []));
  chip.className = "aside";
  return chip;
}
