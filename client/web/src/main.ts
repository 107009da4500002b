/** The page: camera, worker and service together, and what the signer does. */

import shapes from "../../letters.json";
import { closeCamera, listCameras, openCamera } from "./camera";
import { drawShape } from "./drawing";
import { findHint } from "./hints";
import type { Answer, Request, Seen } from "./landmarks.worker";
import { judge, Lesson } from "./lesson";
import { find, say, showHand, showMask, showReply } from "./page";
import { readSettings, writeSettings } from "./settings";
import { Stream, type Reply, type State } from "./stream";
import { Text } from "./text";

const BASE = new URL(import.meta.env.BASE_URL, location.href).href;
const LETTERS = Object.entries(shapes as Record<string, number[][]>);
/** Milliseconds until a lost camera is tried again. */
const CAMERA_PAUSE = 2000;
const NOTE = 2000;
const TROUBLES: Record<State, string> = {
  connecting: "",
  connected: "",
  away: "The service does not answer. This page tries again by itself.",
  "no token": "The service wants a token: type it in the settings.",
  "other version": "The service reads masks of another version. Load this page again.",
};
const STATES: Record<State, string> = {
  connecting: "connecting",
  connected: "connected",
  away: "no service",
  "no token": "no token",
  "other version": "another version",
};

const video = find<HTMLVideoElement>("video");
const settings = readSettings(localStorage);
const text = new Text();
const worker = new Worker(new URL("./landmarks.worker.ts", import.meta.url));
const troubles = { worker: "", camera: "", service: "" };
/** Milliseconds of the last second's frames, by step. */
const steps: Record<string, number[]> = { landmarks: [], mask: [], service: [], total: [] };
let busy = true; // until the worker has its networks
let paused = false;
let lesson: Lesson | null = null;
let note = "";
let noteUntil = 0;
let state: State = "connecting";
let asked: { time: number } | null = null;
let size = { width: 640, height: 480 };

const stream = new Stream(location, options(), onReply, onState);
worker.onmessage = ({ data }: MessageEvent<Answer>) => onAnswer(data);
send({ kind: "start", base: BASE });
say("hint", "Loading the hand model");
setUpSettings();
setUpChart();
applyView();
showText();
void startCamera();
nextFrame();
setInterval(showPace, 1000);

function options() {
  return { threshold: settings.threshold, hold: settings.hold, token: settings.token };
}

function send(message: Request, transfer: Transferable[] = []): void {
  worker.postMessage(message, transfer);
}

async function startCamera(): Promise<void> {
  try {
    const track = await openCamera(video, settings.camera);
    troubles.camera = "";
    track.onended = () => lostCamera("The camera gives no pictures any more. Plug it in again.");
    await showCameras(track.getSettings().deviceId ?? "");
  } catch (error) {
    lostCamera(error instanceof Error ? error.message : String(error));
  }
  showTrouble();
}

function lostCamera(sentence: string): void {
  troubles.camera = sentence;
  closeCamera(video);
  showHand(null, size.width, size.height);
  showMask(null);
  showReply(null);
  showTrouble();
  setTimeout(() => void startCamera(), CAMERA_PAUSE);
}

/** Look at every frame of the camera that there is time for: the newest one, when the one before is done. */
function nextFrame(): void {
  video.requestVideoFrameCallback((now) => {
    nextFrame();
    if (busy || !video.srcObject) return;
    busy = true;
    createImageBitmap(video).then(
      (frame) => {
        size = { width: frame.width, height: frame.height };
        send({ kind: "frame", frame, time: now }, [frame]);
      },
      () => (busy = false), // the camera has just gone
    );
  });
}

function onAnswer(answer: Answer): void {
  busy = answer.kind === "failed";
  if (answer.kind === "ready") {
    say("hint", "");
  } else if (answer.kind === "failed") {
    say("hint", "");
    troubles.worker = `The hand model does not load (${answer.message}). Load this page again.`;
    showTrouble();
  } else if (answer.kind === "seen") {
    onSeen(answer.hand, answer.time, answer.brightness);
    steps.landmarks.push(answer.landmarksMs);
    steps.mask.push(answer.maskMs);
  }
}

function onSeen(hand: Seen | null, time: number, brightness: number): void {
  if (!video.srcObject) return;
  showHand(hand?.points ?? null, size.width, size.height);
  const words = performance.now() < noteUntil ? note : findHint(hand?.points ?? null, size.width, size.height, brightness);
  say("hint", paused ? "" : words);
  if (paused) return;
  if (stream.ask(hand?.png ?? null)) {
    asked = { time };
    showMask(hand?.mask ?? null);
  } else if (state !== "connected") {
    showMask(null);
  }
}

function onReply(reply: Reply, milliseconds: number): void {
  if (paused) return;
  showReply(reply);
  steps.service.push(milliseconds);
  if (asked) steps.total.push(performance.now() - asked.time);
  if (reply.committed) {
    text.commit(reply.committed);
    showText();
  }
  if (lesson?.see(reply.letter, reply.confidence, reply.committed, performance.now() / 1000)) showLesson();
}

function onState(now: State): void {
  state = now;
  troubles.service = TROUBLES[now];
  if (now !== "connected") showReply(null);
  showTrouble();
}

function showTrouble(): void {
  say("trouble", troubles.worker || troubles.camera || troubles.service);
  const element = find("state");
  say("state", paused ? "paused" : STATES[state]);
  element.toggleAttribute("data-well", state === "connected" && !paused);
}

function showText(): void {
  say("text", text.value);
}

function tell(words: string): void {
  note = words;
  noteUntil = performance.now() + NOTE;
  say("hint", words);
}

/** Say how fast it goes, and keep the figures for whoever measures. */
function showPace(): void {
  const rate = steps.total.length;
  const middle = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  say("pace", rate ? `${rate} frames/s, ${Math.round(middle(steps.total))} ms` : "");
  document.documentElement.dataset.pace = JSON.stringify(
    Object.fromEntries([["rate", rate], ...Object.entries(steps).map(([step, values]) => [step, middle(values)])]),
  );
  for (const values of Object.values(steps)) values.length = 0;
}

const actions: Record<string, () => void> = {
  space: () => text.space(),
  delete: () => text.delete(),
  clear: () => text.clear(),
  copy: () => {
    navigator.clipboard.writeText(text.value).then(
      () => tell("Copied"),
      () => tell("This browser gives no clipboard"),
    );
  },
  speak,
  mirror: () => {
    settings.mirrored = !settings.mirrored;
    keep();
  },
  pause: () => {
    paused = !paused;
    showReply(null);
    showMask(null);
    showTrouble();
  },
  letters: () => toggle("letters"),
  settings: () => toggle("settings"),
  learn: () => {
    toggle("learn");
    lesson = find("learn").hidden ? null : new Lesson(LETTERS.map(([letter]) => letter), performance.now() / 1000);
    showLesson();
  },
  skip: () => {
    lesson?.skip(performance.now() / 1000);
    showLesson();
  },
};

const KEYS: Record<string, string> = {
  " ": "space", Backspace: "delete", x: "clear", c: "copy", s: "speak", m: "mirror", p: "pause", l: "letters",
  t: "learn", h: "settings",
}; // prettier-ignore

function act(name: string): void {
  actions[name]?.();
  showText();
  applyView();
}

document.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLElement>("[data-do]") : null;
  if (button?.dataset.do) act(button.dataset.do);
});

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLElement && event.target.closest("button, input, select");
  if (event.ctrlKey || event.metaKey || event.altKey || (typing && (event.key === " " || !typing.matches("button")))) return;
  const name = event.key === "Escape" ? openPanel() : KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!name) return;
  event.preventDefault();
  act(name);
});

function openPanel(): string | undefined {
  return ["letters", "learn", "settings"].find((name) => !find(name).hidden);
}

function toggle(name: string): void {
  const panel = find(name);
  panel.hidden = !panel.hidden;
  if (!panel.hidden && name !== "learn") panel.scrollIntoView({ block: "nearest" });
}

function speak(): void {
  if (!("speechSynthesis" in window) || !speechSynthesis.getVoices().length) return tell("No voice is installed");
  if (!text.value.trim()) return tell("Nothing to read aloud yet");
  speechSynthesis.cancel();
  speechSynthesis.speak(new SpeechSynthesisUtterance(text.value.toLowerCase()));
}

/** Let the buttons and the picture show what is set. */
function applyView(): void {
  document.body.classList.toggle("mirrored", settings.mirrored);
  find("stage").classList.toggle("mirrored", settings.mirrored);
  for (const button of document.querySelectorAll<HTMLElement>("[data-do]")) {
    const name = button.dataset.do ?? "";
    if (name === "mirror") button.setAttribute("aria-pressed", String(settings.mirrored));
    if (name === "pause") button.setAttribute("aria-pressed", String(paused));
    if (button.hasAttribute("aria-expanded")) button.setAttribute("aria-expanded", String(!find(name).hidden));
  }
}

function keep(): void {
  writeSettings(localStorage, settings);
}

function setUpSettings(): void {
  const threshold = find<HTMLInputElement>("threshold");
  const hold = find<HTMLInputElement>("hold");
  const token = find<HTMLInputElement>("token");
  const camera = find<HTMLSelectElement>("camera");
  const show = () => {
    say("threshold-value", `${Math.round(100 * settings.threshold)} %`);
    say("hold-value", `${settings.hold.toFixed(1)} s`);
    find("mark").style.left = `${100 * settings.threshold}%`;
  };
  threshold.value = String(settings.threshold);
  hold.value = String(settings.hold);
  token.value = settings.token;
  show();
  for (const input of [threshold, hold, token]) {
    input.addEventListener("change", () => {
      settings.threshold = Number(threshold.value);
      settings.hold = Number(hold.value);
      settings.token = token.value.trim();
      keep();
      show();
      stream.change(options());
    });
  }
  camera.addEventListener("change", () => {
    settings.camera = camera.value;
    keep();
    void startCamera();
  });
}

async function showCameras(current: string): Promise<void> {
  const cameras = await listCameras();
  find("camera").replaceChildren(
    ...cameras.map(({ deviceId, label }, index) => {
      const selected = deviceId === current;
      return new Option(label || `Camera ${index + 1}`, deviceId, selected, selected);
    }),
  );
}

function setUpChart(): void {
  for (const [letter, shape] of LETTERS) {
    const item = document.createElement("li");
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [160, 160];
    canvas.setAttribute("aria-hidden", "true");
    drawShape(canvas, shape);
    item.append(canvas, letter);
    find("chart").append(item);
  }
}

function showLesson(): void {
  if (!lesson) return;
  const current = lesson;
  say("asked", current.letter);
  const shape = LETTERS.find(([letter]) => letter === current.letter)?.[1];
  if (shape) drawShape(find<HTMLCanvasElement>("shape"), shape);
  const last = current.results.at(-1);
  say("praise", last ? `${last.letter}: ${judge(last)}` : "");
  find("results").replaceChildren(
    ...current.results
      .slice(-8)
      .reverse()
      .map((result) => {
        const item = document.createElement("li");
        const time = result.seconds === null ? "" : `, ${result.seconds.toFixed(1)} s, ${Math.round(100 * result.confidence)} % sure`;
        item.textContent = `${result.letter}: ${judge(result)}${time}`;
        return item;
      }),
  );
}
