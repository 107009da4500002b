/** The stage: the camera's picture, and on it the hand, the letter that is held, the hint and what is wrong. */

import { drawBox, drawHand, drawRings } from "./drawing";
import { find, setText } from "./page";
import { certaintyOf, letterOf, type PageState } from "./state";

/** Seconds for which an added letter flashes. */
const FLASH = 400;

const overlay = find<HTMLCanvasElement>("overlay");
const context = overlay.getContext("2d");
const badge = find("badge");
/** Colours of the square around the hand, on a dark picture. */
const COLOURS = { steady: "#56b4e9", wavering: "#e69f00", unsure: "#a9a9b0" };
let isDrawn = false;

export function renderStage(state: PageState, mirrored: boolean, ringed: readonly number[]): void {
  const stage = find("stage");
  stage.classList.toggle("mirrored", mirrored);
  const { problems, paused, reply } = state;
  setText("problem", problems.worker || problems.camera || problems.service);
  setText("hint", state.note || (paused ? "Paused: nothing is sent" : state.hint));
  const letter = paused ? "" : letterOf(reply);
  setText("badge-letter", letter);
  find("held").style.strokeDashoffset = String(1 - (letter ? (reply?.progress ?? 0) : 0));
  drawOverlay(state, ringed);
}

/** Let the stage have the shape of the camera's picture. */
export function shapeStage(width: number, height: number): void {
  document.documentElement.style.setProperty("--shape", (width / height).toFixed(4));
}

/** Flash, since a letter was added. */
export function flash(): void {
  badge.classList.add("flash");
  setTimeout(() => badge.classList.remove("flash"), FLASH);
}

function drawOverlay({ points, size, reply, paused }: PageState, ringed: readonly number[]): void {
  if (!context) return;
  const { width, height } = size;
  if (overlay.width !== width || overlay.height !== height) [overlay.width, overlay.height] = [width, height];
  else if (isDrawn) context.clearRect(0, 0, width, height);
  isDrawn = points !== null && !paused;
  if (!points || paused) return;
  drawHand(context, points, height / 160);
  drawBox(context, points, COLOURS[certaintyOf(reply)], height / 160);
  drawRings(context, points, ringed, height / 70);
}
