/** The tab Practise: what is chosen, the session that runs, and what the camera and the service say to it. */

import { MOVING_LETTERS } from "../letters";
import type { Point } from "../mask";
import type { Reply } from "../stream";
import { KINDS, limitSpeed, readChoices, writeChoices, type Choices } from "./choices";
import { diagnose, LANDMARKS, type Finding } from "./diagnosis";
import { Mastery } from "./mastery";
import type { PoseModel } from "./pose";
import poseAddress from "./pose.json?url";
import { download, focusScreen, onTyped, render, takeTyped, type Screen, typeLetter } from "./screen";
import { chooseLetters, chooseWords, Reading, Signing, summarise, type Summary } from "./session";
import { FORMED } from "./sentences";
import { Steady } from "./steady";
import { COMMON_WORDS } from "./words";

/** What the page gives to this tab. */
export interface Outside {
  /** Never throws. */
  storage: Pick<Storage, "getItem" | "setItem">;
  /** Letters that the service recognises. */
  alphabet(): readonly string[];
  /** Whether replies come; otherwise the shape of the hand decides. */
  online(): boolean;
  mirrored(): boolean;
  /** The signer's own words. */
  own(): readonly string[];
  /** Show a short note. */
  tell(text: string): void;
  /** Have the tab rendered. */
  changed(): void;
}

/** Seconds for which a hand must be right where no service says so, and for which a hint must hold until it is shown. */
const HELD = 0.6;
const STEADY = 0.4;
/** Letters that are practised if none are chosen. */
const WEAKEST = 5;
/** Milliseconds between two looks at what the drawn hand shows. */
const READING_PAUSE = 40;
const NOTHING: Finding = { right: false, shown: null, off: [], sentence: "" };

export class Practise {
  readonly actions: Record<string, () => void>;
  highlights: readonly number[] = [];
  private readonly choices: Choices;
  private readonly mastery: Mastery;
  private readonly hint = new Steady<Finding | null>(null, STEADY, (finding) => JSON.stringify(finding));
  private model: Promise<void> | null = null;
  private poses: PoseModel | null = null;
  private screen: Screen = "start";
  private signing: Signing | null = null;
  private reading: Reading | null = null;
  private summary: Summary | null = null;
  /** What is practised again if the signer wants that. */
  private again: readonly string[] = [];
  private asksErase = false;
  /** What the service reads now. */
  private read: string | null = null;
  /** Since when the hand is right; null if it is not, or has not changed since the last letter. */
  private rightSince: number | null = null;
  private mustChange = false;
  private spelled: string | null = null;
  private news = "";
  private timer = 0;

  constructor(private readonly outside: Outside) {
    this.choices = readChoices(outside.storage);
    this.mastery = new Mastery(outside.storage);
    const choose = (change: Partial<Choices>) => () => {
      Object.assign(this.choices, change);
      writeChoices(outside.storage, this.choices);
    };
    this.actions = {
      ...Object.fromEntries(KINDS.map((kind) => [`practise-kind-${kind}`, choose({ kind })])),
      ...Object.fromEntries(Object.keys(FORMED).map((letter) => [`practise-letter-${letter}`, () => this.toggle(letter)])),
      "practise-right": choose({ left: false }),
      "practise-left": choose({ left: true }),
      "practise-slower": () => choose({ speed: limitSpeed(this.choices.speed - 1) })(),
      "practise-faster": () => choose({ speed: limitSpeed(this.choices.speed + 1) })(),
      "practise-start": () => this.start(),
      "practise-skip": () => this.skip(),
      "practise-help": () => this.signing?.help(),
      "practise-replay": () => this.reading?.replay(now()),
      "practise-check": () => this.check(),
      "practise-stop": () => this.finish(),
      "practise-again": () => this.start(),
      "practise-repeat": () => this.start(this.again),
      "practise-done": () => this.go("start"),
      "practise-progress": () => this.go("progress"),
      "practise-export": () => download("fingerspell-practice.json", this.mastery.export()),
      "practise-erase": () => (this.asksErase = true),
      "practise-erase-now": () => this.erase(),
      "practise-keep": () => (this.asksErase = false),
    };
    for (const [name, action] of Object.entries(this.actions)) {
      this.actions[name] = () => {
        action();
        outside.changed();
      };
    }
    onTyped((key) => this.press(key));
  }

  /** Whether the signer's hand is the left one. */
  get left(): boolean {
    return this.choices.left;
  }

  /** Practise one letter. */
  practise(letter: string): void {
    this.choices.kind = "letters";
    this.start(chooseLetters([letter], Math.random));
  }

  /** The tab was chosen: a session that waits goes on. */
  open(): void {
    this.model ??= this.load();
    for (const session of [this.signing, this.reading]) session?.resume(now());
    if (this.reading) this.watch();
    this.outside.changed();
  }

  /** The tab was left: the session waits. */
  leave(): void {
    for (const session of [this.signing, this.reading]) session?.pause(now());
    clearInterval(this.timer);
    this.highlights = [];
  }

  /** Handle a frame: 21 landmarks in pixels of the camera's picture, or no hand. */
  see(points: readonly Point[] | null, _width: number, _height: number, seconds: number): void {
    const session = this.signing;
    if (!session) return;
    session.tick(seconds);
    if (session.over) return this.finish();
    const finding = points && (this.poses ? this.diagnose(session.letter, points) : NOTHING);
    if (this.hint.see(finding, seconds)) this.showHint();
    this.judge(session, finding?.right ?? false, seconds);
  }

  /** Handle a reply of the service. */
  hear({ smoothed, committed }: Pick<Reply, "smoothed" | "committed">, seconds: number): void {
    this.read = smoothed;
    if (committed && this.signing) this.sign(committed, seconds);
  }

  /** Handle a key; true if it was meant for this tab. */
  press(key: string): boolean {
    if (this.reading && /^[a-z]$/i.test(key)) return typeLetter(key);
    const name = this.nameAction(key);
    if (name) this.actions[name]();
    return name !== null;
  }

  render(): void {
    const { choices, mastery, outside, screen, signing, reading, summary, hidden } = this;
    render({
      screen, choices, mastery, summary, signing, reading,
      alphabet: this.alphabet(),
      flipped: outside.mirrored() !== choices.left,
      hidden,
      hint: signing ? this.describeHint(signing) : "",
      shown: this.hint.value?.shown ?? null,
      right: this.hint.value?.right ?? false,
      spelled: this.spelled,
      repeats: this.again.length > 0,
      asksErase: this.asksErase,
      news: this.news,
      day: today(),
    }); // prettier-ignore
  }

  /** Whether the reference hand, and what would give it away, is hidden. */
  private get hidden(): boolean {
    return this.choices.kind === "memory" && this.signing?.helped === false;
  }

  private async load(): Promise<void> {
    try {
      this.poses = (await (await fetch(poseAddress)).json()) as PoseModel;
    } catch {
      this.model = null; // the next visit tries again
      this.outside.tell("The hints on your fingers could not be loaded.");
    }
  }

  private alphabet(): readonly string[] {
    const letters = this.outside.alphabet();
    return this.outside.online() ? letters : letters.filter((letter) => !MOVING_LETTERS.includes(letter));
  }

  private toggle(letter: string): void {
    const { letters } = this.choices;
    this.choices.letters = letters.includes(letter) ? letters.filter((each) => each !== letter) : [...letters, letter];
    writeChoices(this.outside.storage, this.choices);
  }

  private start(items: readonly string[] = this.choose()): void {
    this.finish();
    if (!items.length) return this.outside.tell("Nothing to practise: choose a letter.");
    this.summary = null;
    this.hint.reset(null);
    [this.read, this.rightSince, this.news] = [null, null, ""];
    if (this.choices.kind === "reading") {
      takeTyped(); // what is left of an earlier session
      this.reading = new Reading(items, this.choices.speed, now());
      this.watch();
      return this.go("reading");
    }
    this.signing = new Signing(items, now());
    this.news = `Show ${this.signing.letter}`;
    this.go("signing");
  }

  private choose(): string[] {
    const { kind, letters } = this.choices;
    const alphabet = this.alphabet();
    if (kind === "words" || kind === "reading") {
      const spelled = kind === "words" ? alphabet : Object.keys(FORMED);
      return chooseWords(this.outside.own(), COMMON_WORDS, spelled, Math.random);
    }
    const chosen = letters.filter((letter) => alphabet.includes(letter));
    return chooseLetters(chosen.length ? chosen : this.mastery.weakest(alphabet).slice(0, WEAKEST), Math.random);
  }

  private diagnose(letter: string, points: readonly Point[]): Finding {
    const read = this.outside.online() ? this.read : null;
    return diagnose(this.poses as PoseModel, letter, points, this.choices.left, read);
  }

  /** Where no service answers, a hand that is right for a while has shown its letter; then it must change. */
  private judge(session: Signing, right: boolean, seconds: number): void {
    if (!right || this.outside.online()) {
      this.rightSince = null;
      this.mustChange = false;
      return;
    }
    this.rightSince ??= seconds;
    if (this.mustChange || seconds - this.rightSince < HELD) return;
    this.mustChange = true;
    this.sign(session.letter, seconds);
  }

  private sign(letter: string, seconds: number): void {
    const session = this.signing;
    if (!session?.sign(letter, seconds)) return;
    this.onShown(session, `${letter} is right.`);
  }

  private skip(): void {
    this.signing?.skip(now());
    if (this.signing) this.onShown(this.signing, "");
    else if (this.reading) this.check();
  }

  private onShown(session: Signing, praise: string): void {
    this.mastery.add(session.shows[session.shows.length - 1]);
    this.rightSince = null;
    this.hint.reset(null);
    this.highlights = [];
    if (session.over) return this.finish();
    this.news = `${praise} Show ${session.letter}`.trim();
    this.outside.changed();
  }

  private check(): void {
    const { reading } = this;
    if (!reading) return;
    const word = reading.item;
    this.news = reading.answer(takeTyped(), now()) ? `${word} is right.` : `It was ${word}.`;
    if (reading.over) this.finish();
  }

  /** End the session, and show how it went if anything was shown. */
  private finish(): void {
    const session = this.signing ?? this.reading;
    if (!session) return;
    const seconds = session.seconds(now());
    this.mastery.addTime(today(), Math.round(seconds));
    this.summary = summarise(session.shows, seconds);
    this.again = session instanceof Reading ? session.missed : chooseLetters(this.summary.weakest, Math.random);
    [this.signing, this.reading, this.highlights] = [null, null, []];
    clearInterval(this.timer);
    this.go(session.shows.length ? "results" : "start");
    this.outside.changed();
  }

  private erase(): void {
    this.mastery.erase();
    this.asksErase = false;
    this.outside.tell("Your practice results are erased.");
  }

  private go(screen: Screen): void {
    this.screen = screen;
    this.asksErase = false;
    this.render();
    focusScreen(screen);
  }

  private nameAction(key: string): string | null {
    if (key === "ArrowRight" && this.signing) return "practise-skip";
    if (key === "Enter" && this.reading) return "practise-check";
    if (key !== "Escape") return null;
    if (this.asksErase) return "practise-keep";
    if (this.signing || this.reading) return "practise-stop";
    return this.screen === "start" ? null : "practise-done";
  }

  /** Follow what the drawn hand shows. */
  private watch(): void {
    clearInterval(this.timer);
    this.timer = window.setInterval(() => {
      const { reading } = this;
      reading?.tick(now());
      if (reading?.over) {
        this.finish();
        return;
      }
      const spelled = reading?.letterAt(now()) ?? null;
      if (spelled === this.spelled) return;
      this.spelled = spelled;
      this.outside.changed();
    }, READING_PAUSE);
  }

  private showHint(): void {
    const off = this.hint.value?.off ?? [];
    this.highlights = (this.hidden ? [] : off).flatMap((part) => LANDMARKS[part]);
    this.outside.changed();
  }

  private describeHint({ letter, shows }: Signing): string {
    const finding = this.hint.value;
    if (!finding) return "Show your hand to the camera.";
    if (!finding.right) return this.hidden ? "" : finding.sentence;
    if (MOVING_LETTERS.includes(letter)) return `The hand is right: now draw ${letter}.`;
    return shows.at(-1)?.letter === letter ? "Once more: move the hand a little, then hold it again." : "Right: hold it.";
  }
}

function now(): number {
  return performance.now() / 1000;
}

/** Today, such as "2026-11-28", where the signer is. */
function today(): string {
  const date = new Date();
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}
