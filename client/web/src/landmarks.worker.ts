/** Finds the hand in each frame and draws its mask, off the page's own thread. */

import { FilesetResolver, HandLandmarker } from "@mediapipe/tasks-vision";
import { MASK_SIZE, renderMask, type Point } from "./mask";
import { encodePng } from "./png";

/** What the page sends. */
export type Request = { kind: "start"; base: string } | { kind: "frame"; frame: ImageBitmap; time: number };

/** What the page gets back: one answer to each frame. */
export type Answer =
  | { kind: "ready" }
  | { kind: "failed"; message: string }
  | { kind: "seen"; time: number; hand: Seen | null; brightness: number; landmarksMs: number; maskMs: number };

export interface Seen {
  /** 21 points in pixels of the frame. */
  points: Point[];
  /** RGB pixels, row by row, and the same as a PNG. */
  mask: Uint8Array<ArrayBuffer>;
  png: Uint8Array<ArrayBuffer>;
}

const scope = self as unknown as DedicatedWorkerGlobalScope;
let landmarker: HandLandmarker | null = null;
let lastTime = 0;
const probe = new OffscreenCanvas(16, 12);

scope.onmessage = async ({ data }: MessageEvent<Request>) => {
  if (data.kind === "start") {
    await start(data.base);
  } else {
    await look(data.frame, data.time);
  }
};

async function start(base: string): Promise<void> {
  try {
    const fileset = await FilesetResolver.forVisionTasks(`${base}wasm`);
    landmarker = await HandLandmarker.createFromOptions(fileset, {
      baseOptions: { modelAssetPath: `${base}hand_landmarker.task`, delegate: "CPU" },
      runningMode: "VIDEO",
      numHands: 1,
    });
    landmarker.detectForVideo(new ImageData(64, 64), 0); // the networks start with the first picture
    answer({ kind: "ready" });
  } catch (error) {
    answer({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

async function look(frame: ImageBitmap, time: number): Promise<void> {
  if (!landmarker) return;
  const begun = performance.now();
  lastTime = Math.max(time, lastTime + 1); // MediaPipe wants times that rise
  const { landmarks } = landmarker.detectForVideo(frame, lastTime);
  const found = performance.now();
  const points = landmarks[0]?.map(({ x, y }): Point => [x * frame.width, y * frame.height]);
  let hand: Seen | null = null;
  if (points) {
    const mask = renderMask(points);
    hand = { points, mask, png: await encodePng(mask, MASK_SIZE, MASK_SIZE) };
  }
  const brightness = measureBrightness(frame);
  frame.close();
  const maskMs = performance.now() - found;
  answer(
    { kind: "seen", time, hand, brightness, landmarksMs: found - begun, maskMs },
    hand ? [hand.mask.buffer, hand.png.buffer] : [],
  );
}

/** Mean brightness of a frame, 0 to 255. */
function measureBrightness(frame: ImageBitmap): number {
  const context = probe.getContext("2d", { willReadFrequently: true });
  if (!context) return 255;
  context.drawImage(frame, 0, 0, probe.width, probe.height);
  const { data } = context.getImageData(0, 0, probe.width, probe.height);
  let sum = 0;
  for (let at = 0; at < data.length; at += 4) sum += data[at] + data[at + 1] + data[at + 2];
  return sum / (3 * probe.width * probe.height);
}

function answer(message: Answer, transfer: Transferable[] = []): void {
  scope.postMessage(message, transfer);
}
