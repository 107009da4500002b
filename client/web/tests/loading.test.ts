/** What the page does where a browser lacks something, and when its parts break: without a browser. */

import { inflateSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { drawMask } from "../src/drawing";
import { onEachFrame } from "../src/frames";
import { Landmarks } from "../src/landmarks";
import type { Request, WorkerMessage } from "../src/landmarks.worker";
import type { HandModel } from "../src/loading";
import { MASK_SIZE } from "../src/mask";
import { unpack } from "../src/packing";
import { CAMERA_OFF, Pause } from "../src/pausing";
import { encodePng } from "../src/png";
import { ProfileStore } from "../src/profileStore";
import { readSettings, writeSettings } from "../src/settings";
import { openStore } from "../src/storage";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const noise = (length: number) => Uint8Array.from({ length }, (_, at) => (at * at * 7 + at) % 251);

describe("site data", () => {
  test("that is blocked is replaced by a store that lasts until the page is left", () => {
    vi.stubGlobal("localStorage", undefined);
    Object.defineProperty(globalThis, "localStorage", {
      configurable: true,
      get: () => {
        throw new DOMException("Access is denied for this document.", "SecurityError");
      },
    });
    const { store, lasts } = openStore();
    expect(lasts).toBe(false);
    const settings = { ...readSettings(store), mirrored: false };
    writeSettings(store, settings);
    expect(readSettings(store)).toEqual(settings);
  });

  test("that never answers is given up", async () => {
    vi.useFakeTimers();
    vi.stubGlobal("indexedDB", { open: () => ({}) });
    const loaded = new ProfileStore().load();
    const outcome = expect(loaded).rejects.toThrow("does not answer");
    await vi.advanceTimersByTimeAsync(60_000);
    await outcome;
  });
});

test.each([true, false])("a PNG holds its pixels, compressed: %s", async (compressed) => {
  if (!compressed) vi.stubGlobal("CompressionStream", undefined);
  if (!compressed) Reflect.deleteProperty(globalThis, "CompressionStream");
  const pixels = noise(MASK_SIZE * MASK_SIZE * 3);
  const png = Buffer.from(await encodePng(pixels, MASK_SIZE, MASK_SIZE));
  const at = png.indexOf("IDAT");
  const rows = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
  const step = 1 + 3 * MASK_SIZE; // a row begins with its filter
  const read = Array.from({ length: MASK_SIZE }, (_, y) => rows.subarray(y * step + 1, (y + 1) * step));
  expect(Buffer.concat(read).equals(pixels)).toBe(true);
});

test("frames are found by the video's time where the browser does not tell of them", () => {
  let tick = (_: number) => {};
  vi.stubGlobal("requestAnimationFrame", (callback: (time: number) => void) => ((tick = callback), 1));
  vi.stubGlobal("cancelAnimationFrame", () => (tick = () => {}));
  const video = { readyState: 0, HAVE_CURRENT_DATA: 2, currentTime: 0 };
  const times: number[] = [];
  const end = onEachFrame(video as HTMLVideoElement, (time) => times.push(time));
  const steps: [readyState: number, currentTime: number, now: number][] = [
    [0, 0, 10], [4, 0, 20], [4, 0, 30], [4, 0.033, 40], [1, 0.066, 50], [4, 0.066, 60],
  ]; // prettier-ignore
  for (const [readyState, currentTime, now] of steps) {
    Object.assign(video, { readyState, currentTime });
    tick(now);
  }
  expect(times).toEqual([20, 40, 60]);
  end();
  Object.assign(video, { currentTime: 1 });
  tick(70);
  expect(times).toHaveLength(3);
});

test("a pause closes the camera after a while, and its end opens it again", () => {
  vi.useFakeTimers();
  const calls: string[] = [];
  const pause = new Pause({ open: () => calls.push("open"), close: () => calls.push("close") });
  pause.pause();
  expect(pause.paused).toBe(true);
  vi.advanceTimersByTime(CAMERA_OFF - 1);
  pause.resume();
  vi.advanceTimersByTime(CAMERA_OFF);
  expect(calls, "a short pause leaves the camera alone").toEqual([]);
  pause.pause();
  vi.advanceTimersByTime(CAMERA_OFF);
  expect([calls, pause.cameraClosed]).toEqual([["close"], true]);
  pause.resume();
  expect([calls, pause.paused, pause.cameraClosed]).toEqual([["close", "open"], false, false]);
});

test("a mask is shown as it is, and nothing as black", () => {
  let shown = Buffer.of();
  const context = {
    createImageData: (width: number, height: number) => ({ data: new Uint8ClampedArray(4 * width * height) }),
    putImageData: ({ data }: ImageData) => (shown = Buffer.from(data)),
  } as unknown as CanvasRenderingContext2D;
  const mask = noise(MASK_SIZE * MASK_SIZE * 3);
  drawMask(context, mask);
  const opaque = (at: number) => [...mask.subarray(3 * at, 3 * at + 3), 255];
  expect(shown.equals(Buffer.from(Array.from({ length: MASK_SIZE ** 2 }, (_, at) => opaque(at)).flat()))).toBe(true);
  drawMask(context, null);
  expect(shown.equals(Buffer.alloc(4 * MASK_SIZE ** 2, Buffer.of(0, 0, 0, 255)))).toBe(true);
});

test.each([0, 1, 2, 9, 1000, 1001])("%i bytes are unpacked", (length) => {
  const bytes = noise(length);
  const words = Array.from({ length: length >> 1 }, (_, at) => [bytes[2 * at + 1], bytes[2 * at]]);
  const sorted = [...words].sort(([one], [other]) => one - other); // stable
  const packed = [...words.map(([high]) => high), ...sorted.map(([, low]) => low), ...bytes.subarray(2 * words.length)];
  expect(unpack(Uint8Array.from(packed))).toEqual(bytes);
});

describe("the worker", () => {
  /** A worker that does what the test says. */
  class FakeWorker {
    static all: FakeWorker[] = [];
    onmessage = (_: { data: WorkerMessage }) => {};
    onerror = () => {};
    readonly got: string[] = [];
    ended = false;

    constructor() {
      FakeWorker.all.push(this);
    }

    postMessage({ kind }: Request): void {
      this.got.push(kind);
    }

    terminate(): void {
      this.ended = true;
    }

    say(message: WorkerMessage): void {
      this.onmessage({ data: message });
    }
  }

  const video = {} as HTMLVideoElement;
  const detection = { kind: "detection", time: 0, hand: null, brightness: 0, landmarksMs: 0, maskMs: 0 } as const;
  let told: string[] = [];

  beforeEach(() => {
    [told, FakeWorker.all] = [[], []];
    vi.stubGlobal("Worker", FakeWorker);
    vi.stubGlobal("createImageBitmap", async () => ({}));
  });

  async function start(): Promise<Landmarks> {
    const landmarks = new Landmarks(Promise.resolve({} as HandModel), {
      onReady: () => told.push("ready"),
      onDetection: () => told.push("detection"),
      onFailed: (message) => told.push(message),
    });
    await Promise.resolve();
    FakeWorker.all[0].say({ kind: "ready" });
    return landmarks;
  }

  async function skip(landmarks: Landmarks, times: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      await landmarks.look(video, time, false);
      FakeWorker.all.at(-1)?.say({ kind: "skipped", message: "bad frame" });
    }
  }

  test("goes on after a frame that it cannot read", async () => {
    const landmarks = await start();
    expect(landmarks.free).toBe(true);
    await skip(landmarks, 9);
    await landmarks.look(video, 9, false);
    expect(landmarks.free).toBe(false);
    FakeWorker.all[0].say(detection);
    await skip(landmarks, 9);
    expect(told).toEqual(["ready", "detection"]);
    expect(FakeWorker.all[0].got).toEqual(["start", ...Array.from({ length: 19 }, () => "frame")]);
    expect(FakeWorker.all).toHaveLength(1);
  });

  test("is started anew after ten of them, once, then the page says so", async () => {
    const landmarks = await start();
    await skip(landmarks, 10);
    expect(FakeWorker.all.map(({ ended }) => ended)).toEqual([true, false]);
    await Promise.resolve();
    expect([FakeWorker.all[1].got, landmarks.free]).toEqual([["start"], false]);
    FakeWorker.all[1].say({ kind: "ready" });
    await skip(landmarks, 10);
    expect(told).toEqual(["ready", "ready", "The hand model has failed (bad frame). Reload this page."]);
    expect([FakeWorker.all.length, landmarks.free]).toEqual([2, false]);
  });

  test("is free again if the camera was lost", async () => {
    const landmarks = await start();
    vi.stubGlobal("createImageBitmap", () => Promise.reject(new DOMException("no frame", "InvalidStateError")));
    await landmarks.look(video, 0, false);
    expect(landmarks.free).toBe(true);
  });

  test("fails with a sentence if the hand model does not arrive", async () => {
    new Landmarks(Promise.reject(new Error("the service answered 404")), {
      onReady: () => told.push("ready"),
      onDetection: () => told.push("detection"),
      onFailed: (message) => told.push(message),
    });
    await vi.waitFor(() => expect(told).toEqual(["The hand model has failed (the service answered 404). Reload this page."]));
  });
});
