/** The page: connects camera, worker and service, and handles keys and buttons. */

import { showCandidates } from "./candidates";
import { Chooser } from "./chooser";
import { closeCamera, listCameras, openCamera } from "./camera";
import { makeCorrection } from "./correction";
import { HandPanel } from "./handPanel";
import { findHint } from "./hints";
import { Hold } from "./holds";
import type { Hand, Request, WorkerMessage } from "./landmarks.worker";
import { ALPHABET, drawLetter, MOVING_LETTERS, STILL_LETTERS } from "./letters";
import type { Point } from "./mask";
import { Mistakes } from "./mistakes";
import { OwnHand } from "./ownHand";
import { addNames, describeOwnWords, readOwnWords } from "./ownWords";
import { find, setText, showHand, showMask, showReply } from "./page";
import { Practise } from "./practise/practise";
import { ProfileStore } from "./profileStore";
import { readSettings, writeSettings } from "./settings";
import { Spelling } from "./spelling";
import { Stream, type Reply, type State } from "./stream";
import { findWords } from "./words";
import { showText as writeText } from "./written";

const BASE = new URL(import.meta.env.BASE_URL, location.href).href;
/** Milliseconds until a lost camera is tried again. */
const CAMERA_PAUSE = 2000;
const NOTE = 2000;
/** Milliseconds for which a notice is shown. */
const NOTICE = 15_000;
const PROBLEMS: Record<State, string> = {
  connecting: "",
  connected: "",
  "no service": "The service does not answer. This page keeps trying.",
  "no token": "The service needs a token: enter it in the settings.",
  "bad token": "A browser cannot send this token: it may have letters, digits, '-', '.' and '_' only.",
  "other version": "The service expects masks of another version. Reload this page.",
  "other trails": "The service expects trails of another version. Reload this page.",
};
const STATES: Record<State, string> = {
  connecting: "connecting",
  connected: "connected",
  "no service": "no service",
  "no token": "no token",
  "bad token": "no token",
  "other version": "another version",
  "other trails": "another version",
};

const video = find<HTMLVideoElement>("video");
const settings = readSettings(localStorage);
const spelling = new Spelling(
  {
    find: (query) => findWords(query, settings.token),
    own: () => addNames(readOwnWords(settings.ownWords).words, own.store.names),
    show: showText,
    tell: showNotice,
  },
  settings.words,
);
const worker = new Worker(new URL("./landmarks.worker.ts", import.meta.url));
const problems = { worker: "", camera: "", service: "" };
/** Milliseconds of the last second's frames, by step. */
const steps: Record<string, number[]> = { landmarks: [], mask: [], service: [], total: [] };
let busy = true; // until the worker has its networks
let paused = false;
let note = "";
let noteUntil = 0;
let state: State = "connecting";
let sentAt: number | null = null;
/** The hand whose mask was sent last. */
let sentHand: readonly Point[] | null = null;
const hold = new Hold();
let noticeTimer = 0;
let size = { width: 640, height: 480 };
/** The service's own options, as far as they are known. */
let defaults = { threshold: 0.5, hold: 0.2 };

const own = new OwnHand(new ProfileStore(), {
  correct: (correction) => stream.correct(correction),
  make: (samples) => makeCorrection(samples, settings.token),
  show: showOwnHand,
  tell: showNotice,
});
const stream = new Stream(
  location,
  options(),
  onReply,
  onState,
  (told) => {
    defaults = told;
    find("trail").hidden = !stream.takesTrails;
    showOptions();
  },
  (answer) => own.onAnswer(answer),
);
const panel = new HandPanel(own, showNotice, () => {
  for (const name of ["letters", "practise", "settings"]) find(name).hidden = true;
  practise.leave();
  paused = false;
  showReply(null);
  showMask(null);
  showProblem();
});
const practise: Practise = new Practise({
  storage: {
    getItem: (key) => storage()?.getItem(key) ?? null,
    setItem: (key, value) => storage()?.setItem(key, value),
  },
  alphabet: () => (stream.takesTrails ? ALPHABET : STILL_LETTERS),
  online: () => state === "connected",
  mirrored: () => settings.mirrored,
  own: () => readOwnWords(settings.ownWords).words,
  tell: showNote,
  changed: () => practise.render(),
});
const mistakes = new Mistakes(spelling, new Chooser(ALPHABET), own, showText, showNotice);
worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => onWorker(data);
worker.onerror = () => onWorker({ kind: "failed", message: "its program cannot be loaded" });
send({ kind: "start", base: BASE });
setText("hint", "Loading the hand model");
setUpSettings();
setUpChart();
applyView();
showText();
void own.load();
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
    problems.camera = "";
    track.onended = () => lostCamera("The camera has stopped sending pictures. Plug it in again.");
    await showCameras(track.getSettings().deviceId ?? "");
  } catch (error) {
    lostCamera(error instanceof Error ? error.message : String(error));
  }
  showProblem();
}

function lostCamera(message: string): void {
  problems.camera = message;
  closeCamera(video);
  showHand(null, size.width, size.height);
  showMask(null);
  showReply(null);
  showProblem();
  setTimeout(() => void startCamera(), CAMERA_PAUSE);
}

/** Process the newest frame of the camera whenever the one before is done. */
function nextFrame(): void {
  video.requestVideoFrameCallback((now) => {
    nextFrame();
    if (busy || !video.srcObject) return;
    busy = true;
    createImageBitmap(video).then(
      (frame) => {
        size = { width: frame.width, height: frame.height };
        send({ kind: "frame", frame, time: now, trails: stream.takesTrails }, [frame]);
      },
      () => (busy = false), // the camera was lost just now
    );
  });
}

function onWorker(message: WorkerMessage): void {
  busy = message.kind === "failed"; // and stays so: the networks cannot be used any more
  if (message.kind === "ready") {
    setText("hint", "");
  } else if (message.kind === "failed") {
    setText("hint", "");
    problems.worker = `The hand model has failed (${message.message}). Reload this page.`;
    showProblem();
  } else if (message.kind === "detection") {
    onDetection(message.hand, message.time, message.brightness);
    steps.landmarks.push(message.landmarksMs);
    steps.mask.push(message.maskMs);
  }
}

function onDetection(hand: Hand | null, time: number, brightness: number): void {
  if (!video.srcObject) return;
  showHand(hand?.points ?? null, size.width, size.height);
  const hint = performance.now() < noteUntil ? note : findHint(hand?.points ?? null, size.width, size.height, brightness);
  setText("hint", paused ? "" : hint);
  if (paused) return;
  if (practising()) practise.see(hand?.points ?? null, size.width, size.height, time / 1000);
  if (panel.asking) {
    panel.see(hand?.points ?? null, time / 1000);
  } else if (stream.ask(hand?.png ?? null)) {
    sentAt = time;
    sentHand = hand?.points ?? null;
    showMask(hand?.mask ?? null, hand?.trail);
  } else if (state !== "connected") {
    showMask(null);
  }
}

function onReply(reply: Reply, milliseconds: number): void {
  if (paused || panel.asking) return;
  showReply(reply, !panel.keepsText && !practising());
  hold.see(reply.smoothed, sentHand);
  steps.service.push(milliseconds);
  if (sentAt !== null) steps.total.push(performance.now() - sentAt);
  if (practising()) practise.hear(reply, performance.now() / 1000);
  else if (!panel.keepsText) {
    const held = reply.committed && !MOVING_LETTERS.includes(reply.committed); // hands that draw are no letter's handshape
    spelling.see(reply, held ? hold.spread : [], sentHand !== null, (sentAt ?? 0) / 1000);
  }
}

function onState(now: State): void {
  state = now;
  problems.service = PROBLEMS[now];
  own.setConnected(now === "connected");
  spelling.setConnected(now === "connected");
  if (now !== "connected") showReply(null);
  showProblem();
}

function showProblem(): void {
  setText("problem", problems.worker || problems.camera || problems.service);
  const element = find("state");
  const hand = own.inForce ? `, your hand: ${own.profile?.name ?? ""}` : "";
  setText("state", paused ? "paused" : STATES[state] + hand);
  element.toggleAttribute("data-ok", state === "connected" && !paused);
}

function showText(): void {
  writeText(spelling.text);
  showCandidates(spelling);
}

function showOwnHand(): void {
  showProblem();
  panel.show();
}

/** Show a notice below the text, with a button that undoes what it says if that can be undone. */
function showNotice(text: string, undo = false): void {
  clearTimeout(noticeTimer);
  find("notice").hidden = false;
  find("undo").hidden = !undo;
  setText("notice-text", text);
  noticeTimer = window.setTimeout(() => (find("notice").hidden = true), NOTICE);
}

function showNote(text: string): void {
  note = text;
  noteUntil = performance.now() + NOTE;
  setText("hint", note);
}

/** Show the speed, and publish the figures for benchmarks. */
function showPace(): void {
  const rate = steps.total.length;
  const middle = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  setText("pace", rate ? `${rate} frames/s, ${Math.round(middle(steps.total))} ms` : "");
  document.documentElement.dataset.pace = JSON.stringify(
    Object.fromEntries([["rate", rate], ...Object.entries(steps).map(([step, values]) => [step, middle(values)])]),
  );
  for (const values of Object.values(steps)) values.length = 0;
}

const actions: Record<string, () => void> = {
  space: () => spelling.space(),
  delete: () => spelling.delete(performance.now() / 1000),
  clear: () => spelling.clear(),
  "choose-1": () => spelling.choose(1),
  "choose-2": () => spelling.choose(2),
  "choose-3": () => spelling.choose(3),
  "as-read": () => spelling.toggleAsRead(),
  words: () => {
    settings.words = !settings.words;
    saveSettings();
    spelling.turn(settings.words);
  },
  copy: () => {
    navigator.clipboard.writeText(spelling.text.value).then(
      () => showNote("Copied"),
      () => showNote("This browser does not allow copying"),
    );
  },
  speak,
  mirror: () => {
    settings.mirrored = !settings.mirrored;
    saveSettings();
  },
  pause: () => {
    paused = !paused;
    showReply(null);
    showMask(null);
    showProblem();
  },
  letters: () => toggle("letters"),
  settings: () => toggle("settings"),
  practise: () => {
    toggle("practise");
    if (practising()) practise.open();
    else practise.leave();
  },
  wrong: () => mistakes.ask(),
  undo: () => void mistakes.undo(),
  ...panel.actions,
  ...practise.actions,
};

const KEYS: Record<string, string> = {
  " ": "space", Backspace: "delete", x: "clear", c: "copy", s: "speak", m: "mirror", p: "pause", l: "letters",
  t: "practise", h: "settings", y: "hand", w: "wrong", u: "undo", r: "as-read", v: "words", 1: "choose-1", 2: "choose-2",
  3: "choose-3",
}; // prettier-ignore

/** Keys while letters are asked for. */
const ASKING_KEYS: Record<string, string> = { ArrowLeft: "hand-back", ArrowRight: "hand-skip", Escape: "hand-stop" };

function act(name: string): void {
  actions[name]?.();
  showText();
  applyView();
}

document.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLElement>("[data-do]") : null;
  if (button?.dataset.do) act(button.dataset.do);
});

find("text").addEventListener("click", ({ target }) => {
  if (!(target instanceof Element)) return;
  if (target.closest(".last")) act("wrong");
  const word = target.closest<HTMLElement>("[data-word]")?.dataset.word;
  if (word === undefined) return;
  spelling.toggleAsRead(Number(word));
  showText();
});

document.addEventListener("keydown", (event) => {
  if (find<HTMLDialogElement>("chooser").open) return;
  const typing = event.target instanceof HTMLElement && event.target.closest("button, input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey || (typing && (event.key === " " || !typing.matches("button")))) return;
  if (practising() && practise.press(event.key)) return event.preventDefault();
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const name = (panel.asking && ASKING_KEYS[key]) || (key === "Escape" ? openPanel() : KEYS[key]);
  if (!name) return;
  event.preventDefault();
  if (!(event.repeat && settings.words)) act(name); // a key that is held is not one that is pressed twice
});

function openPanel(): string | undefined {
  return ["letters", "practise", "hand", "settings"].find((name) => !find(name).hidden);
}

function toggle(name: string): void {
  const panel = find(name);
  panel.hidden = !panel.hidden;
  if (!panel.hidden && name !== "practise") panel.scrollIntoView({ block: "nearest" });
}

function speak(): void {
  if (!("speechSynthesis" in window) || !speechSynthesis.getVoices().length) return showNote("No voice is installed");
  const { value } = spelling.text;
  if (!value.trim()) return showNote("Nothing to read aloud yet");
  speechSynthesis.cancel();
  speechSynthesis.speak(new SpeechSynthesisUtterance(value.toLowerCase()));
}

/** Update the buttons and the picture to the settings. */
function applyView(): void {
  document.body.classList.toggle("mirrored", settings.mirrored);
  find("stage").classList.toggle("mirrored", settings.mirrored);
  find("candidates").hidden = !settings.words;
  for (const button of document.querySelectorAll<HTMLElement>("[data-do]")) {
    const name = button.dataset.do ?? "";
    if (name === "mirror") button.setAttribute("aria-pressed", String(settings.mirrored));
    if (name === "pause") button.setAttribute("aria-pressed", String(paused));
    if (name === "words") button.setAttribute("aria-pressed", String(settings.words));
    if (button.hasAttribute("aria-expanded")) button.setAttribute("aria-expanded", String(!find(name).hidden));
  }
}

function saveSettings(): void {
  writeSettings(localStorage, settings);
}

function setUpSettings(): void {
  const threshold = find<HTMLInputElement>("threshold");
  const hold = find<HTMLInputElement>("hold");
  const token = find<HTMLInputElement>("token");
  const camera = find<HTMLSelectElement>("camera");
  token.value = settings.token;
  showOptions();
  const setters = new Map<HTMLInputElement, () => void>([
    [threshold, () => (settings.threshold = Number(threshold.value))],
    [hold, () => (settings.hold = Number(hold.value))],
    [token, () => (settings.token = token.value.trim())],
  ]);
  for (const [input, set] of setters) {
    input.addEventListener("change", () => {
      set();
      saveSettings();
      showOptions();
      stream.change(options());
    });
  }
  setUpOwnWords();
  camera.addEventListener("change", () => {
    settings.camera = camera.value;
    saveSettings();
    void startCamera();
  });
}

function setUpOwnWords(): void {
  const area = find<HTMLTextAreaElement>("own-words");
  const describe = () => setText("own-words-count", describeOwnWords(readOwnWords(area.value)));
  area.value = settings.ownWords;
  describe();
  area.addEventListener("input", describe);
  area.addEventListener("change", () => {
    settings.ownWords = area.value;
    saveSettings();
    spelling.update();
  });
}

/** Show the options that hold: the signer's, or the service's if the signer has not chosen. */
function showOptions(): void {
  const threshold = settings.threshold ?? defaults.threshold;
  const hold = settings.hold ?? defaults.hold;
  find<HTMLInputElement>("threshold").value = String(threshold);
  find<HTMLInputElement>("hold").value = String(hold);
  setText("threshold-value", `${Math.round(100 * threshold)} %`);
  setText("hold-value", `${hold.toFixed(1)} s`);
  find("mark").style.left = `${100 * threshold}%`;
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
  for (const letter of ALPHABET) {
    const item = document.createElement("li");
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [220, 220];
    canvas.setAttribute("aria-hidden", "true");
    void drawLetter(canvas, letter);
    item.append(canvas, letter);
    find("chart").append(item);
  }
}

function practising(): boolean {
  return !find("practise").hidden;
}

/** The browser's store; null where a browser stores nothing. */
function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
