/** The parts of the page, and what they show of a moment. */

import { drawBox, drawHand, drawMask } from "./drawing";
import type { Point } from "./mask";
import type { Reply } from "./stream";

export function find<Element extends HTMLElement>(id: string): Element {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as Element;
}

/** Write a text where it is another: screen readers would say it again. */
export function say(id: string, words: string): void {
  const element = find(id);
  if (element.textContent !== words) element.textContent = words;
}

const reading = find("reading");
const overlay = find<HTMLCanvasElement>("overlay");
const overlayContext = overlay.getContext("2d");
const maskContext = find<HTMLCanvasElement>("mask").getContext("2d");

/** Show what the service said, or nothing. */
export function showReply(reply: Reply | null): void {
  const letter = reply?.smoothed ?? reply?.letter ?? "";
  const steady = Boolean(reply?.smoothed) && (reply?.letter ?? reply?.smoothed) === reply?.smoothed;
  reading.dataset.is = !letter ? "unsure" : steady ? "steady" : "wavering";
  say("letter", letter);
  say("word", describe(reply));
  const confidence = reply?.confidence ?? 0;
  find<HTMLProgressElement>("held").value = reply?.progress ?? 0;
  find<HTMLProgressElement>("sure").value = confidence;
  say("percent", `${Math.round(100 * confidence)} %`);
}

function describe(reply: Reply | null): string {
  if (reply?.smoothed) return reply.progress >= 1 ? "taken" : "hold it";
  if (reply?.letter) return "keep still";
  return reply?.confidence ? "not sure" : "";
}

/** Draw the hand over a picture of this size, or nothing. */
export function showHand(points: readonly Point[] | null, width: number, height: number): void {
  if (!overlayContext) return;
  if (overlay.width !== width || overlay.height !== height) [overlay.width, overlay.height] = [width, height];
  overlayContext.clearRect(0, 0, width, height);
  if (!points) return;
  drawHand(overlayContext, points, height / 160);
  const colour = getComputedStyle(reading).getPropertyValue("--colour");
  drawBox(overlayContext, points, colour, height / 160);
}

/** Show the mask that was sent, or that none is. */
export function showMask(mask: Uint8Array | null): void {
  if (maskContext) drawMask(maskContext, mask);
  say("caption", mask ? "all that is sent" : "nothing is sent");
}
