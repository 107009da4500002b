/** What is shown until the camera is on: a drawn hand that spells HELLO, what this is, and how far it is loaded. */

import { drawLetter } from "./letters";
import { find, setText } from "./page";
import type { PageState } from "./state";

const WORD = "HELLO";
/** Milliseconds for which the hand shows a letter. */
const LETTER = 900;
const canvas = find<HTMLCanvasElement>("hello");
let timer: ReturnType<typeof setInterval> | undefined;
let count = 0;

export function renderWelcome({ camera, loaded, ready, problems }: PageState): void {
  const isOpen = camera === "off" || camera === "starting";
  find("welcome").hidden = !isOpen;
  find("loading").hidden = ready || problems.worker !== "";
  find<HTMLProgressElement>("loaded").value = loaded;
  find<HTMLButtonElement>("start").disabled = camera === "starting";
  setText("start", camera === "starting" ? "Allow the camera …" : "Start camera");
  if (isOpen === (timer !== undefined)) return;
  clearInterval(timer);
  timer = isOpen ? setInterval(spell, LETTER) : undefined;
  if (isOpen) spell();
}

function spell(): void {
  const number = count++ % (WORD.length + 1);
  setText("hello-text", WORD.slice(0, number + 1));
  if (number < WORD.length) void drawLetter(canvas, WORD[number]);
}
