/** The screens of the tab Practise: what they show of a session and of what the signer can do. */

import { ALPHABET, drawLetter } from "../letters";
import { KINDS, SPEEDS, type Choices } from "./choices";
import { READ_BADLY, type Level, type Mastery } from "./mastery";
import { ITEMS, type Reading, type Signing, type Summary } from "./session";
import { FORMED } from "./sentences";

export type Screen = "start" | "progress" | "signing" | "reading" | "results";

export interface View {
  screen: Screen;
  choices: Choices;
  mastery: Mastery;
  summary: Summary | null;
  signing: Signing | null;
  reading: Reading | null;
  /** Letters that can be asked for. */
  alphabet: readonly string[];
  /** Whether the pictures of the right hand are shown as in a mirror. */
  flipped: boolean;
  /** Whether the reference hand is hidden. */
  hidden: boolean;
  hint: string;
  /** The letter that the hand shows rather than the one asked for. */
  shown: string | null;
  right: boolean;
  /** The letter that the drawn hand spells; null while it rests. */
  spelled: string | null;
  /** Whether there is something to repeat. */
  repeats: boolean;
  asksErase: boolean;
  news: string;
  /** Today, such as "2026-11-28". */
  day: string;
}

const ABOUT: Record<Choices["kind"], string> = {
  letters: "Show each letter that is asked for. Choose letters, or practise your weakest.",
  words: "Spell short words letter by letter: your own words first, then common ones.",
  memory: "Show letters without seeing how: the hand is hidden until you ask for it.",
  reading: "The drawn hand spells words. Type what you read.",
};
const LEVELS: readonly Level[] = ["strong", "known", "learning", "new"];
const WEEKS = 5;
/** What has the focus when a screen appears. */
const FOCUS: Record<Screen, string> = {
  start: "practise-start", progress: "practise-back", signing: "practise-word", reading: "practise-typed",
  results: "practise-results",
}; // prettier-ignore

/** Show the view; only what differs from before is written. */
export function render(view: View): void {
  for (const element of find("practise").querySelectorAll<HTMLElement>("[data-screen]")) {
    hide(element, element.dataset.screen !== view.screen);
  }
  if (view.screen === "start") showStart(view);
  if (view.screen === "progress") showProgress(view);
  if (view.screen === "signing" && view.signing) showSigning(view, view.signing);
  if (view.screen === "reading" && view.reading) showReading(view, view.reading);
  if (view.screen === "results" && view.summary) showResults(view, view.summary);
}

/** Move the focus to what a screen begins with. */
export function focusScreen(screen: Screen): void {
  find(FOCUS[screen]).focus({ preventScroll: true });
}

/** Handle the keys that end a word, which the page leaves to the field. */
export function onTyped(press: (key: string) => boolean): void {
  find("practise-typed").addEventListener("keydown", (event) => {
    if (!["Enter", "Escape"].includes(event.key) || event.isComposing || !press(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Type a letter into the field for words that were read. */
export function typeLetter(key: string): true {
  const field = find<HTMLInputElement>("practise-typed");
  field.focus();
  field.value += key;
  return true;
}

/** What was typed, which is taken out of the field. */
export function takeTyped(): string {
  const field = find<HTMLInputElement>("practise-typed");
  const { value } = field;
  field.value = "";
  return value;
}

/** Have the browser store a text as a file. */
export function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}

function showStart({ choices, mastery, alphabet }: View): void {
  for (const kind of KINDS) setPressed(`practise-kind-${kind}`, choices.kind === kind);
  setText("practise-about", ABOUT[choices.kind]);
  const chosen = choices.kind === "letters" || choices.kind === "memory";
  hide(find("practise-tiles"), !chosen);
  hide(find("practise-speed"), choices.kind !== "reading");
  setText("practise-letters-a-second", String(choices.speed));
  find<HTMLButtonElement>("practise-slower").disabled = choices.speed === SPEEDS.slowest;
  find<HTMLButtonElement>("practise-faster").disabled = choices.speed === SPEEDS.fastest;
  setPressed("practise-left", choices.left);
  setPressed("practise-right", !choices.left);
  fill("practise-tiles", ALPHABET.length, () => ALPHABET.map(makeTile));
  ALPHABET.forEach((letter) => {
    const tile = find<HTMLButtonElement>(`practise-letter-${letter}`);
    const level = mastery.level(letter);
    tile.dataset.level = level;
    setPressed(tile.id, choices.letters.includes(letter));
    set(tile, "aria-label", `${letter}, ${level}`);
    tile.disabled = !alphabet.includes(letter);
  });
}

function makeTile(letter: string): HTMLElement {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: letter });
  button.id = button.dataset.do = `practise-letter-${letter}`;
  return wrap("li", button);
}

function showProgress({ mastery, asksErase, day }: View): void {
  const counts = LEVELS.map((level) => `${ALPHABET.filter((letter) => mastery.level(letter) === level).length} ${level}`);
  setText("practise-counts", `Your letters: ${counts.join(", ")}.`);
  const days = listDays(day);
  const practised = days.filter((each) => mastery.practised(each) > 0).length;
  const label = `You practised on ${practised} of the last ${days.length} days.`;
  setText("practise-days", label);
  fill("practise-calendar", [day, days.map((each) => mastery.practised(each))], () =>
    days.map((each) => {
      const minutes = Math.ceil(mastery.practised(each) / 60);
      const cell = Object.assign(document.createElement("li"), { title: `${each}: ${minutes} min` });
      cell.dataset.minutes = minutes >= 5 ? "many" : minutes > 0 ? "some" : "none";
      return cell;
    }),
  );
  const badly = Object.entries(READ_BADLY);
  const shares = badly.map(([, share]) => Math.round(100 * share)).sort();
  setText(
    "practise-badly",
    `The reader itself is weak at ${join(badly.map(([letter]) => letter))}: of photographs of people it reads them ` +
      `rightly in ${shares[0]} to ${shares[shares.length - 1]} % only. If one of these fails, it may not be you.`,
  );
  hide(find("practise-erase-confirm"), !asksErase);
  hide(find("practise-progress-actions"), asksErase);
}

/** The last five weeks, oldest day first. */
function listDays(today: string): string[] {
  const noon = Date.parse(`${today}T12:00:00Z`);
  const ago = (days: number) => new Date(noon - days * 86_400_000).toISOString().slice(0, 10);
  return Array.from({ length: 7 * WEEKS }, (_, index) => ago(7 * WEEKS - 1 - index));
}

function showSigning(view: View, session: Signing): void {
  const { letter, item, position, number, items } = session;
  fill("practise-word", [item, position], () =>
    [...item].map((each, at) => {
      const span = Object.assign(document.createElement("span"), { textContent: each });
      span.className = at < position ? "done" : at === position ? "now" : "";
      return span;
    }),
  );
  setText("practise-hint", view.hint);
  setText("practise-shown", view.shown ? `You show ${view.shown}.` : "");
  setText("practise-news", view.news);
  setText("practise-formed", view.hidden ? "" : FORMED[letter]);
  setText("practise-weak", READ_BADLY[letter] ? `The reader often misses ${letter}.` : "");
  set(find("practise-screen-signing"), "data-right", view.right ? "yes" : "no");
  showCount("practise-signing", number, items.length);
  hide(find("practise-help"), !view.hidden);
  const canvas = find<HTMLCanvasElement>("practise-hand");
  hide(canvas, view.hidden);
  draw(canvas, letter, view.flipped);
  set(canvas, "aria-label", FORMED[letter]);
}

function showReading(view: View, { number, items }: Reading): void {
  const canvas = find<HTMLCanvasElement>("practise-spelling");
  set(canvas, "data-rests", view.spelled ? "no" : "yes");
  if (view.spelled) draw(canvas, view.spelled, view.flipped);
  setText("practise-read", view.news);
  showCount("practise-reading", number, items.length);
}

function showCount(id: string, number: number, of: number): void {
  setText(`${id}-count`, `${number + 1} of ${of}`);
  Object.assign(find<HTMLProgressElement>(`${id}-progress`), { max: of, value: number });
}

function showResults({ repeats, choices }: View, summary: Summary): void {
  const verb = choices.kind === "reading" ? "read" : "shown";
  const pace = summary.perMinute < 10 ? summary.perMinute.toFixed(1) : String(Math.round(summary.perMinute));
  setText("practise-pace", `${pace} letters a minute`);
  setText("practise-right-count", `${summary.right} of ${summary.asked} letters ${verb} rightly.`);
  setText("practise-weakest", summary.weakest.length ? `Weakest: ${join(summary.weakest)}.` : "No letter went badly.");
  const instead = summary.instead.slice(0, ITEMS / 2);
  fill("practise-instead", instead, () =>
    instead.map(([letter, others]) => {
      return Object.assign(document.createElement("li"), { textContent: `${letter} was taken for ${join(others)}` });
    }),
  );
  hide(find("practise-repeat"), !repeats);
}

function draw(canvas: HTMLCanvasElement, letter: string, flipped: boolean): void {
  const key = `${letter}${flipped}`;
  if (canvas.dataset.drawn === key) return;
  canvas.dataset.drawn = key;
  void drawLetter(canvas, letter, flipped);
}

function find<Found extends HTMLElement>(id: string): Found {
  return document.getElementById(id) as Found;
}

function setText(id: string, text: string): void {
  const element = find(id);
  if (element.textContent !== text) element.textContent = text;
}

function set(element: HTMLElement, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function setPressed(id: string, pressed: boolean): void {
  set(find(id), "aria-pressed", String(pressed));
}

function hide(element: HTMLElement, hidden: boolean): void {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/** Fill a list if what it shows has changed: otherwise its buttons would lose the focus. */
function fill(id: string, content: unknown, make: () => HTMLElement[]): void {
  const key = JSON.stringify(content);
  const element = find(id);
  if (element.dataset.content === key) return;
  element.dataset.content = key;
  element.replaceChildren(...make());
}

function wrap(name: string, child: HTMLElement): HTMLElement {
  const element = document.createElement(name);
  element.append(child);
  return element;
}

function join(values: readonly string[]): string {
  return values.length < 2 ? values.join() : `${values.slice(0, -1).join(", ")} and ${values[values.length - 1]}`;
}
