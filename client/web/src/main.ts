/** The page: connects camera, worker and service, and handles keys and buttons. What is shown is drawn by `render`. */

import { Chooser } from "./chooser";
import { closeCamera, isCameraAllowed, listCameras, openCamera } from "./camera";
import { makeCorrection } from "./correction";
import { canVibrate, playSound, vibrate } from "./feedback";
import { onEachFrame } from "./frames";
import { HandPanel } from "./handPanel";
import { findHint } from "./hints";
import { Hold } from "./holds";
import { ACTIONS } from "./keys";
import { Landmarks } from "./landmarks";
import type { Hand } from "./landmarks.worker";
import { ALPHABET, MOVING_LETTERS, STILL_LETTERS } from "./letters";
import { LettersTab } from "./lettersTab";
import { loadHandModel } from "./loading";
import type { Point } from "./mask";
import { Mistakes } from "./mistakes";
import { OwnHand } from "./ownHand";
import { addNames, readOwnWords } from "./ownWords";
import { find, setText } from "./page";
import { Pause } from "./pausing";
import { Practise } from "./practise/practise";
import { ProfileStore } from "./profileStore";
import { renderPrediction, Written } from "./read";
import { keepPage, takeOver } from "./release";
import { readSettings, writeSettings } from "./settings";
import { SettingsDialog } from "./settingsDialog";
import { Spelling } from "./spelling";
import { flash, renderStage, shapeStage } from "./stage";
import { state, TABS, type Tab } from "./state";
import { NOTHING_STORED, openStore } from "./storage";
import { Stream, type Reply, type State as Connection } from "./stream";
import type { Segment } from "./text";
import { renderWelcome } from "./welcome";
import { findWords } from "./words";

/** Milliseconds until a lost camera is tried again. */
const CAMERA_PAUSE = 2000;
/** Milliseconds for which a note and a notice are shown. */
const NOTE = 2000;
const NOTICE = 15_000;
/** A letter that is at least this share as likely as the one that was added is named, too. */
const CLOSE = 0.3;
const CONNECTIONS: Record<Connection, { state: string; problem: string }> = {
  connecting: { state: "Connecting", problem: "" },
  connected: { state: "Connected", problem: "" },
  offline: { state: "Offline", problem: "You are offline. You can practise; reading goes on when you are online again." },
  "no service": { state: "No service", problem: "The service does not answer. This page keeps trying." },
  "no token": { state: "No access", problem: "The service needs an access token: enter it in the settings." },
  "bad token": {
    state: "No access",
    problem: "A browser cannot send this access token: it may have letters, digits, '-', '.' and '_' only.",
  },
  "other version": { state: "Another version", problem: "The service expects masks of another version. Reload this page." },
  "other trails": { state: "Another version", problem: "The service expects trails of another version. Reload this page." },
};

const video = find<HTMLVideoElement>("video");
const { store, lasts } = openStore();
const settings = readSettings(store);
/** Milliseconds of the last second's frames, by step. */
const steps: Record<string, number[]> = { landmarks: [], mask: [], service: [], total: [] };
let sentAt: number | null = null;
/** The hand whose mask was sent last. */
let sentHand: readonly Point[] | null = null;
const hold = new Hold();
let noteTimer = 0;
let noticeTimer = 0;
let drawing = 0;
/** The service's own options, as far as they are known. */
let defaults = { threshold: 0.5, hold: 0.2 };

const spelling = new Spelling(
  {
    find: (query) => findWords(query, settings.token),
    own: ownWords,
    show: changed,
    tell: showNotice,
  },
  settings.words,
);
const landmarks = new Landmarks(
  loadHandModel((share) => {
    state.loaded = share;
    changed();
  }),
  {
    onReady: () => {
      state.ready = true;
      changed();
      keepVersion();
    },
    onDetection: ({ hand, time, brightness, landmarksMs, maskMs }) => {
      steps.landmarks.push(landmarksMs);
      steps.mask.push(maskMs);
      onDetection(hand, time, brightness);
      changed();
    },
    onFailed: (message) => {
      state.problems.worker = message;
      changed();
    },
  },
);
const written = new Written(spelling, store, note, () => state.runnerUp);
const own = new OwnHand(new ProfileStore(), {
  correct: (correction) => stream.correct(correction),
  make: (samples) => makeCorrection(samples, settings.token),
  show: () => {
    state.person = own.inForce ? (own.profile?.name ?? "") : "";
    panel.show();
    changed();
  },
  tell: showNotice,
});
const stream = new Stream(
  location,
  options(),
  onReply,
  onConnection,
  (told) => {
    defaults = told;
    keepVersion();
    changed();
  },
  (answer) => own.onAnswer(answer),
);
const panel = new HandPanel(own, showNotice, () => {
  settle();
  if (pause.paused) actions.pause();
});
const mistakes = new Mistakes(spelling, new Chooser(ALPHABET), own, changed, showNotice);
const practise = new Practise({
  storage: store,
  alphabet: () => (stream.takesTrails ? ALPHABET : STILL_LETTERS),
  online: () => state.connection === "connected",
  mirrored: () => settings.mirrored,
  own: ownWords,
  tell: note,
  changed,
});
const letters = new LettersTab(
  () => practise.left,
  () => settings.mirrored,
);
const pause = new Pause({
  open: () => void startCamera(),
  close: () => closeCamera(video),
});
const dialog = new SettingsDialog(settings, {
  save: saveSettings,
  reconnect: () => stream.change(options()),
  openCamera: () => void startCamera(),
  ownWordsChanged: () => spelling.update(),
  wordsSwitched: () => spelling.turn(settings.words),
});

onEachFrame(video, (time) => {
  if (pause.paused || !landmarks.free || !video.srcObject) return;
  state.size = { width: video.videoWidth, height: video.videoHeight };
  void landmarks.look(video, time, stream.takesTrails);
});
video.addEventListener("resize", () => shapeStage(video.videoWidth, video.videoHeight));
addEventListener("hashchange", showHash);
showHash();
if (!lasts) showNotice(NOTHING_STORED);
void own.load();
void isCameraAllowed().then((allowed) => (allowed ? startCamera() : undefined));
setInterval(showPace, 1000);
render();

function options() {
  return { threshold: settings.threshold, hold: settings.hold, token: settings.token };
}

function ownWords(): string[] {
  return addNames(readOwnWords(settings.ownWords).words, own.store.names);
}

async function startCamera(): Promise<void> {
  if (state.camera !== "on") state.camera = state.camera === "lost" ? "lost" : "starting";
  changed();
  try {
    const track = await openCamera(video, settings.camera);
    state.problems.camera = "";
    state.camera = "on";
    track.onended = () => lostCamera("The camera stopped. Plug it in again.");
    dialog.renderCameras(await listCameras(), track.getSettings().deviceId ?? "");
  } catch (error) {
    lostCamera(error instanceof Error ? error.message : String(error));
  }
  changed();
}

function lostCamera(message: string): void {
  state.problems.camera = message;
  state.camera = "lost";
  closeCamera(video);
  settle();
  changed();
  setTimeout(() => void startCamera(), CAMERA_PAUSE);
}

/** Show nothing of what was seen. */
function settle(): void {
  [state.points, state.reply, state.sent, state.runnerUp] = [null, null, null, ""];
}

function onDetection(hand: Hand | null, time: number, brightness: number): void {
  if (!video.srcObject || pause.paused) return;
  const { width, height } = state.size;
  state.points = hand?.points ?? null;
  state.hint = findHint(state.points, width, height, brightness);
  if (panel.asking) return panel.see(state.points, time / 1000);
  if (state.tab === "practise") practise.see(state.points, width, height, time / 1000);
  if (stream.ask(hand?.png ?? null)) {
    sentAt = time;
    sentHand = state.points;
    state.sent = hand;
  } else if (state.connection !== "connected") {
    state.sent = null;
  }
}

function onReply(reply: Reply, milliseconds: number): void {
  if (pause.paused || panel.asking) return;
  state.reply = reply;
  hold.see(reply.smoothed, sentHand);
  steps.service.push(milliseconds);
  if (sentAt !== null) steps.total.push(performance.now() - sentAt);
  if (reply.committed) onCommitted(reply);
  else if (reply.segments?.length) state.runnerUp = "";
  const seconds = (sentAt ?? 0) / 1000;
  if (state.tab === "practise" && !state.hand) practise.hear(reply, seconds);
  else if (isWriting()) {
    const held = reply.committed && !MOVING_LETTERS.includes(reply.committed); // hands that draw are no letter's handshape
    spelling.see(reply, held ? hold.spread : [], sentHand !== null, seconds);
  }
  changed();
}

/** Whether letters join the text: while it is shown. */
function isWriting(): boolean {
  return state.tab === "read" && !panel.keepsText;
}

function onCommitted({ committed, segments }: Reply): void {
  flash();
  if (settings.sound) playSound();
  if (settings.vibration && canVibrate) vibrate();
  const last = segments?.at(-1);
  state.runnerUp = last?.alternatives[0]?.letter === committed ? closeTo(last) : "";
}

/** The letter that was nearly as likely as the one that was read; "" if none was. */
function closeTo({ alternatives: [first, second] }: Segment): string {
  return second && second.confidence >= CLOSE * first.confidence ? second.letter : "";
}

function keepVersion(): void {
  if (landmarks.ready) void keepPage(stream.pageVersion);
}

function onConnection(now: Connection): void {
  state.connection = now;
  if (now === "other version" || now === "other trails") void takeOver(stream.pageVersion);
  state.problems.service = CONNECTIONS[now].problem;
  own.setConnected(now === "connected");
  spelling.setConnected(now === "connected");
  if (now !== "connected") [state.reply, state.sent] = [null, null];
  changed();
}

/** Have the page drawn before the screen is: once for everything that has changed. */
function changed(): void {
  drawing ||= requestAnimationFrame(render);
}

/** Draw the page from the state. */
function render(): void {
  cancelAnimationFrame(drawing);
  drawing = 0;
  state.paused = pause.paused;
  state.writing = isWriting();
  state.takesTrails = stream.takesTrails;
  state.threshold = settings.threshold ?? defaults.threshold;
  renderShell();
  renderWelcome(state);
  renderStage(state, settings.mirrored, state.tab === "practise" && !state.hand ? practise.highlights : []);
  if (state.tab === "read") {
    renderPrediction(state);
    written.render();
  } else if (state.tab === "practise") practise.render();
  else letters.render();
  dialog.render(defaults);
}

function renderShell(): void {
  const { tab, hand, camera, connection, paused, person } = state;
  Object.assign(document.body.dataset, { tab, camera: camera === "starting" ? "off" : camera });
  document.body.toggleAttribute("data-hand", hand);
  document.body.classList.toggle("mirrored", settings.mirrored);
  for (const each of TABS) {
    find(each).hidden = hand || each !== tab;
    const button = find(`tab-${each}`);
    button.setAttribute("aria-selected", String(!hand && each === tab));
    button.tabIndex = each === tab ? 0 : -1;
  }
  find("hand").hidden = !hand;
  find("open-hand").setAttribute("aria-expanded", String(hand));
  const pressed = { mirror: settings.mirrored, pause: paused };
  for (const [name, on] of Object.entries(pressed)) find(name).setAttribute("aria-pressed", String(on));
  setText("pause", paused ? "Continue" : "Pause");
  setText("state", paused ? "Paused" : CONNECTIONS[connection].state + (person && `, ${person}'s hand`));
  find("state").toggleAttribute("data-ok", connection === "connected" && !paused);
  find("candidates").hidden = !settings.words;
  setText("pace", state.pace);
}

/** Show a notice, with a button that undoes what it says if that can be undone. */
function showNotice(text: string, undo = false): void {
  clearTimeout(noticeTimer);
  find("notice").hidden = false;
  find("forget").hidden = !undo;
  setText("notice-text", text);
  noticeTimer = window.setTimeout(() => (find("notice").hidden = true), NOTICE);
}

function note(text: string): void {
  clearTimeout(noteTimer);
  state.note = text;
  noteTimer = window.setTimeout(() => {
    state.note = "";
    changed();
  }, NOTE);
  changed();
}

/** Show the speed, and publish the figures for benchmarks. */
function showPace(): void {
  const rate = steps.total.length;
  const middle = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const pace = rate ? `${rate} frames/s, ${Math.round(middle(steps.total))} ms` : "";
  if (pace !== state.pace) changed();
  state.pace = pace;
  document.documentElement.dataset.pace = JSON.stringify(
    Object.fromEntries([["rate", rate], ...Object.entries(steps).map(([step, values]) => [step, middle(values)])]),
  );
  for (const values of Object.values(steps)) values.length = 0;
}

function turnTo(tab: Tab): void {
  if (state.hand) panel.actions["hand-close"]();
  if (tab === state.tab) return;
  if (state.tab === "practise") practise.leave();
  state.tab = tab;
  history.replaceState(null, "", tab === "read" ? location.pathname : `#${tab}`);
  if (tab === "practise") practise.open();
}

/** Show the tab that the address names. */
function showHash(): void {
  const named = TABS.find((tab) => `#${tab}` === location.hash);
  if (named) turnTo(named);
  changed();
}

const actions: Record<string, () => unknown> = {
  start: () => void startCamera(),
  words: () => {
    settings.words = !settings.words;
    saveSettings();
    spelling.turn(settings.words);
    note(settings.words ? "Letters become words" : "Letters stay as they are read");
  },
  mirror: () => {
    settings.mirrored = !settings.mirrored;
    saveSettings();
  },
  pause: () => {
    if (pause.paused) pause.resume();
    else pause.pause();
    settle();
  },
  camera: () => void nextCamera(),
  settings: () => (dialog.dialog.open ? dialog.dialog.close() : dialog.dialog.showModal()),
  "close-dialog": () => document.querySelector<HTMLDialogElement>("dialog[open]")?.close(),
  "tab-read": () => turnTo("read"),
  "tab-practise": () => turnTo("practise"),
  "tab-letters": () => turnTo("letters"),
  "other-hand": () => practise.actions[practise.left ? "practise-right" : "practise-left"](),
  "practise-this": () => {
    turnTo("practise");
    practise.practise(letters.chosen);
  },
  wrong: () => mistakes.ask(),
  "runner-up": () => {
    mistakes.correct(state.runnerUp);
    state.runnerUp = "";
  },
  forget: () => void mistakes.undo(),
  ...written.actions,
  ...practise.actions,
  ...panel.actions,
};

/** Keys while letters are asked for. */
const ASKING_KEYS: Record<string, string> = { arrowleft: "hand-back", arrowright: "hand-skip", escape: "hand-stop" };
/** What changes the text, which is shown in one tab only. */
const EDITS = new Set(["space", "delete", "undo", "choose-1", "choose-2", "choose-3", "as-read", "wrong", "new-line", "copy", "speak", "large"]);

function act(name: string): void {
  actions[name]?.();
  state.hand = panel.isOpen;
  render();
}

document.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLElement>("[data-do]") : null;
  if (button?.dataset.do) act(button.dataset.do);
});

// A button that was clicked does not take the keyboard: Space would press it again instead of ending the word.
document.addEventListener("mousedown", (event) => {
  if (event.target instanceof Element && event.target.closest("button")) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (target?.closest("input, select, textarea")) {
    if (key === "escape") target.blur();
    return;
  }
  if (state.tab === "practise" && !state.hand && practise.press(event.key)) {
    event.preventDefault();
    render();
    return;
  }
  if (target?.closest('[role="tab"]') && key.startsWith("arrow")) {
    moveToTab(key === "arrowright" ? 1 : -1);
    return;
  }
  if (target?.closest("button") && (key === " " || key === "enter")) return; // presses that button
  const name = (panel.asking && ASKING_KEYS[key]) || (key === "escape" && state.hand ? "hand-close" : ACTIONS.get(key));
  if (!name || (EDITS.has(name) && (state.tab !== "read" || state.hand))) return;
  event.preventDefault();
  const mayRepeat = name === "undo" || (name === "delete" && !settings.words); // a key that is held is not one pressed twice
  if (!event.repeat || mayRepeat) act(name);
});

function moveToTab(by: number): void {
  const tab = TABS[(TABS.indexOf(state.tab) + by + TABS.length) % TABS.length];
  act(`tab-${tab}`);
  find(`tab-${tab}`).focus();
}

async function nextCamera(): Promise<void> {
  const cameras = await listCameras();
  if (cameras.length < 2) {
    note("There is no other camera");
    return;
  }
  const now = cameras.findIndex(({ deviceId }) => deviceId === find<HTMLSelectElement>("camera").value);
  const next = cameras[(now + 1) % cameras.length];
  settings.camera = next.deviceId;
  saveSettings();
  await startCamera();
  note(next.label || "The next camera");
}

function saveSettings(): void {
  writeSettings(store, settings);
  changed();
}
