/** Finds the hand in each frame and draws its mask, and its trail while it moves, outside the page's own thread. */

import { HandLandmarker, type HandLandmarkerResult } from "@mediapipe/tasks-vision";
import loader from "../node_modules/@mediapipe/tasks-vision/wasm/vision_wasm_internal.js?url";
import { HandFollower, type Box } from "./following";
import type { HandModel } from "./loading";
import { MASK_SIZE, renderMask, type Point } from "./mask";
import { encodePng } from "./png";
import { Trail } from "./trail";

/** What the page sends to the worker. */
export type Request =
  | ({ kind: "start" } & HandModel)
  /** A frame, its time in milliseconds, and whether the service takes trails. */
  | { kind: "frame"; frame: ImageBitmap; time: number; trails: boolean };

/** What was found in a frame. */
export interface Detection {
  time: number;
  hand: Hand | null;
  brightness: number;
  landmarksMs: number;
  maskMs: number;
}

/** What the worker sends to the page: for each frame one detection, or why there is none. */
export type WorkerMessage =
  | { kind: "ready" }
  /** It cannot start. */
  | { kind: "failed"; message: string }
  | ({ kind: "detection" } & Detection)
  | { kind: "skipped"; message: string };

export interface Hand {
  /** 21 points in pixels of the frame. */
  points: readonly Point[];
  /** RGB pixels, row by row. */
  mask: Uint8Array<ArrayBuffer>;
  /** The same of the trail; null while the hand is still, or if the service takes none. */
  trail: Uint8Array<ArrayBuffer> | null;
  /** The mask as a PNG, the trail below it if there is one. */
  png: Uint8Array<ArrayBuffer>;
}

const scope = self as unknown as DedicatedWorkerGlobalScope;
let follower: HandFollower<ImageBitmap> | null = null;
const trail = new Trail();
let lastTime = 0;
const painted = new OffscreenCanvas(1, 1);
const thumbnail = new OffscreenCanvas(16, 12);
/** Frames with a hand until a second one is looked for: what does that takes a moment to start, after the first letter. */
const ALONE = 20;
/** Largest difference between the channels of a grey picture, of 255. */
const GREY = 8;
/** White in a grey picture as MediaPipe is shown it, as in client/landmarks.py: it finds hands by the colour of skin. */
const SKIN = "rgb(255 204 179)";

scope.onmessage = async ({ data }: MessageEvent<Request>) => {
  try {
    await (data.kind === "start" ? start(data) : detect(data.frame, data.time, data.trails));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    send({ kind: data.kind === "start" ? "failed" : "skipped", message });
  }
};

async function start({ module, bundle }: HandModel): Promise<void> {
  const one = await makeLandmarker(module, bundle, "VIDEO", 1);
  let two: HandLandmarker | null = null;
  let seen: Point[][] = [];
  let framesWithHand = 0;
  const follow = (frame: ImageBitmap, hidden: Box | null) => {
    seen = pixels(one.detectForVideo(hidden ? paintOver(frame, hidden) : frame, lastTime), frame);
    if (seen.length && ++framesWithHand === ALONE) {
      void makeLandmarker(module, bundle, "IMAGE", 2).then((made) => (two = made));
    }
    return seen[0] ?? null;
  };
  follower = new HandFollower<ImageBitmap>(follow, (frame) => (two ? pixels(two.detect(frame), frame) : seen));
  send({ kind: "ready" });
}

/** Make a landmarker with an instance of the WebAssembly of its own. */
function makeLandmarker(
  module: WebAssembly.Module,
  modelAssetBuffer: Uint8Array,
  runningMode: "VIDEO" | "IMAGE",
  numHands: number,
): Promise<HandLandmarker> {
  // MediaPipe would fetch and compile the WebAssembly itself, each time; it forgets `Module` once it is done.
  const instantiateWasm = (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => {
    void WebAssembly.instantiate(module, imports).then(done);
    return {};
  };
  Object.assign(scope, { Module: { instantiateWasm } });
  const fileset = { wasmLoaderPath: loader, wasmBinaryPath: "" };
  const baseOptions = { modelAssetBuffer, delegate: "CPU" } as const;
  return HandLandmarker.createFromOptions(fileset, { baseOptions, runningMode, numHands });
}

async function detect(frame: ImageBitmap, time: number, trails: boolean): Promise<void> {
  try {
    await look(frame, time, trails);
  } finally {
    frame.close();
  }
}

async function look(frame: ImageBitmap, time: number, trails: boolean): Promise<void> {
  if (!follower) return;
  const begun = performance.now();
  lastTime = Math.max(time, lastTime + 1); // MediaPipe needs increasing times
  const { brightness, colour } = measure(frame);
  const points = follower.find(colour > GREY ? frame : tint(frame), lastTime / 1000);
  const found = performance.now();
  trail.add(time / 1000, points);
  const hand = points && (await drawHand(points, trails));
  const maskMs = performance.now() - found;
  send(
    { kind: "detection", time, hand, brightness, landmarksMs: found - begun, maskMs },
    hand ? [hand.mask, hand.png, ...(hand.trail ? [hand.trail] : [])].map(({ buffer }) => buffer) : [],
  );
}

async function drawHand(points: readonly Point[], trails: boolean): Promise<Hand> {
  const mask = renderMask(points);
  const path = trails ? trail.draw() : null;
  const sent = path ? join(mask, path) : mask;
  return { points, mask, trail: path, png: await encodePng(sent, MASK_SIZE, sent.length / (3 * MASK_SIZE)) };
}

/** Put a picture below another one. */
function join(above: Uint8Array, below: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(above.length + below.length);
  both.set(above);
  both.set(below, above.length);
  return both;
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

/** Mean brightness of a frame and the largest difference between its channels, 0 to 255. */
function measure(frame: ImageBitmap): { brightness: number; colour: number } {
  const context = thumbnail.getContext("2d", { willReadFrequently: true });
  if (!context) return { brightness: 255, colour: 255 };
  context.drawImage(frame, 0, 0, thumbnail.width, thumbnail.height);
  const { data } = context.getImageData(0, 0, thumbnail.width, thumbnail.height);
  let [sum, colour] = [0, 0];
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue] = data.subarray(at, at + 3);
    sum += red + green + blue;
    colour = Math.max(colour, Math.abs(red - green), Math.abs(blue - green));
  }
  return { brightness: sum / (3 * thumbnail.width * thumbnail.height), colour };
}

/** Give a grey frame, as of an infrared camera, the tint of skin. */
function tint(frame: ImageBitmap): ImageBitmap {
  const canvas = new OffscreenCanvas(frame.width, frame.height);
  const context = canvas.getContext("2d");
  if (!context) return frame;
  context.drawImage(frame, 0, 0);
  context.globalCompositeOperation = "multiply";
  context.fillStyle = SKIN;
  context.fillRect(0, 0, frame.width, frame.height);
  return canvas.transferToImageBitmap();
}

function send(message: WorkerMessage, transfer: Transferable[] = []): void {
  scope.postMessage(message, transfer);
}
