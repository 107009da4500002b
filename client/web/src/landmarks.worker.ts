/** Finds the hand in each frame and draws its mask, outside the page's own thread. */

import { FilesetResolver, HandLandmarker, type HandLandmarkerResult } from "@mediapipe/tasks-vision";
import { HandFollower, type Box } from "./following";
import { MASK_SIZE, renderMask, type Point } from "./mask";
import { encodePng } from "./png";

/** What the page sends to the worker. */
export type Request = { kind: "start"; base: string } | { kind: "frame"; frame: ImageBitmap; time: number };

/** What the worker sends to the page: one detection for each frame. */
export type WorkerMessage =
  | { kind: "ready" }
  | { kind: "failed"; message: string }
  | { kind: "detection"; time: number; hand: Hand | null; brightness: number; landmarksMs: number; maskMs: number };

export interface Hand {
  /** 21 points in pixels of the frame. */
  points: readonly Point[];
  /** RGB pixels, row by row, and the same as a PNG. */
  mask: Uint8Array<ArrayBuffer>;
  png: Uint8Array<ArrayBuffer>;
}

const scope = self as unknown as DedicatedWorkerGlobalScope;
let follower: HandFollower<ImageBitmap> | null = null;
let lastTime = 0;
const painted = new OffscreenCanvas(1, 1);
const thumbnail = new OffscreenCanvas(16, 12);

scope.onmessage = async ({ data }: MessageEvent<Request>) => {
  if (data.kind === "start") {
    await start(data.base);
  } else {
    await detect(data.frame, data.time);
  }
};

async function start(base: string): Promise<void> {
  try {
    const fileset = await FilesetResolver.forVisionTasks(`${base}wasm`);
    const baseOptions = { modelAssetPath: `${base}hand_landmarker.task`, delegate: "CPU" } as const;
    const one = await HandLandmarker.createFromOptions(fileset, { baseOptions, runningMode: "VIDEO", numHands: 1 });
    const two = await HandLandmarker.createFromOptions(fileset, { baseOptions, runningMode: "IMAGE", numHands: 2 });
    one.detectForVideo(new ImageData(64, 64), 0); // starts the networks
    two.detect(new ImageData(64, 64));
    follower = new HandFollower<ImageBitmap>(
      (frame, hidden) => pixels(one.detectForVideo(hidden ? paintOver(frame, hidden) : frame, lastTime), frame)[0] ?? null,
      (frame) => pixels(two.detect(frame), frame),
    );
    send({ kind: "ready" });
  } catch (error) {
    send({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

async function detect(frame: ImageBitmap, time: number): Promise<void> {
  if (!follower) return;
  const begun = performance.now();
  lastTime = Math.max(time, lastTime + 1); // MediaPipe needs increasing times
  const points = follower.find(frame, lastTime / 1000);
  const found = performance.now();
  let hand: Hand | null = null;
  if (points) {
    const mask = renderMask(points);
    hand = { points, mask, png: await encodePng(mask, MASK_SIZE, MASK_SIZE) };
  }
  const brightness = measureBrightness(frame);
  frame.close();
  const maskMs = performance.now() - found;
  send(
    { kind: "detection", time, hand, brightness, landmarksMs: found - begun, maskMs },
    hand ? [hand.mask.buffer, hand.png.buffer] : [],
  );
}

function pixels({ landmarks }: HandLandmarkerResult, { width, height }: ImageBitmap): Point[][] {
  return landmarks.map((hand) => hand.map(({ x, y }): Point => [x * width, y * height]));
}

/** Hide a hand that does not sign, so that it is not followed by mistake. */
function paintOver(frame: ImageBitmap, [left, top, right, bottom]: Box): OffscreenCanvas {
  [painted.width, painted.height] = [frame.width, frame.height];
  const context = painted.getContext("2d");
  context?.drawImage(frame, 0, 0);
  context?.fillRect(left, top, right - left, bottom - top);
  return painted;
}

/** Mean brightness of a frame, 0 to 255. */
function measureBrightness(frame: ImageBitmap): number {
  const context = thumbnail.getContext("2d", { willReadFrequently: true });
  if (!context) return 255;
  context.drawImage(frame, 0, 0, thumbnail.width, thumbnail.height);
  const { data } = context.getImageData(0, 0, thumbnail.width, thumbnail.height);
  let sum = 0;
  for (let at = 0; at < data.length; at += 4) sum += data[at] + data[at + 1] + data[at + 2];
  return sum / (3 * thumbnail.width * thumbnail.height);
}

function send(message: WorkerMessage, transfer: Transferable[] = []): void {
  scope.postMessage(message, transfer);
}
