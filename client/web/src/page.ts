/** The parts of the page, and what they show. */

import { drawBox, drawHand, drawMask } from "./drawing";
import { MASK_SIZE, type Point } from "./mask";
import type { Reply } from "./stream";

export function find<Element extends HTMLElement>(id: string): Element {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as Element;
}

/** Set a text only if it differs: otherwise screen readers would read it out again. */
export function setText(id: string, text: string): void {
  const element = find(id);
  if (element.textContent !== text) element.textContent = text;
}

const prediction = find("prediction");
const overlay = find<HTMLCanvasElement>("overlay");
const overlayContext = overlay.getContext("2d");
const [maskContext, trailContext] = ["mask", "trail"].map((id) => {
  const canvas = find<HTMLCanvasElement>(id);
  canvas.width = canvas.height = MASK_SIZE;
  return canvas.getContext("2d");
});

/** Show a reply of the service, or nothing; `writing` is whether its letters join the text. */
export function showReply(reply: Reply | null, writing = true): void {
  const letter = reply?.smoothed ?? reply?.letter ?? "";
  const steady = Boolean(reply?.smoothed) && (reply?.letter ?? reply?.smoothed) === reply?.smoothed;
  prediction.dataset.is = !letter ? "unsure" : steady ? "steady" : "wavering";
  setText("letter", letter);
  setText("advice", advise(reply, writing));
  const confidence = reply?.confidence ?? 0;
  find<HTMLProgressElement>("held").value = reply?.progress ?? 0;
  find<HTMLProgressElement>("sure").value = confidence;
  setText("percent", `${Math.round(100 * confidence)} %`);
}

function advise(reply: Reply | null, writing: boolean): string {
  if (reply?.smoothed && !writing) return "not written";
  if (reply?.smoothed) return reply.progress >= 1 ? "added" : "hold it";
  if (reply?.letter) return "keep still";
  return reply?.confidence ? "not sure" : "";
}

/** Draw the hand, or nothing, over a picture of this size. */
export function showHand(points: readonly Point[] | null, width: number, height: number): void {
  if (!overlayContext) return;
  if (overlay.width !== width || overlay.height !== height) [overlay.width, overlay.height] = [width, height];
  overlayContext.clearRect(0, 0, width, height);
  if (!points) return;
  drawHand(overlayContext, points, height / 160);
  const colour = getComputedStyle(prediction).getPropertyValue("--colour");
  drawBox(overlayContext, points, colour, height / 160);
}

/** Show the mask that was sent and its trail, or that none is. */
export function showMask(mask: Uint8Array | null, trail: Uint8Array | null = null): void {
  if (maskContext) drawMask(maskContext, mask);
  if (trailContext) drawMask(trailContext, trail);
  setText("caption", mask ? "all that is sent of the picture" : "nothing is sent");
}
