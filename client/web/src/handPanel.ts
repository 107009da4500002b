/** The panel "Your hand": people and their profiles, the enrolment, and the check after it. */

import { Enrolment, SAMPLES, type Phase } from "./enrolment";
import { describeReport } from "./findings";
import { drawLetter, STILL_LETTERS } from "./letters";
import type { Point } from "./mask";
import type { OwnHand } from "./ownHand";
import { fill, find, make, setText } from "./page";
import { countLetters, decodeProfile, encodeProfile, fileName, makeSample, MAX_BYTES } from "./profile";

/** Milliseconds after which a download has begun. */
const DOWNLOAD = 10_000;
const SAY: Record<Phase, string> = {
  ready: "Change to this letter",
  still: "Hold it still",
  taking: "Keep it, and turn it a little",
  done: "",
};

type View = "home" | "asking" | "result";
const PANELS: Record<View, string> = { home: "hand-home", asking: "hand-asking", result: "hand-result" };

export class HandPanel {
  isOpen = false;
  private view: View = "home";
  private enrolment: Enrolment | null = null;
  /** Whose letters are asked for. */
  private name = "";
  private naming = false;
  private asked: string | null = null;

  constructor(
    private readonly own: OwnHand,
    private readonly tell: (text: string) => void,
    /** Called before letters are asked for. */
    private readonly onStart: () => void,
  ) {
    find<HTMLSelectElement>("person").addEventListener("change", ({ target }) => {
      this.naming = false;
      void own.use((target as HTMLSelectElement).value || null);
    });
    find("hand-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.start(own.store.freeName(find<HTMLInputElement>("hand-name").value), STILL_LETTERS);
    });
    find<HTMLInputElement>("hand-file").addEventListener("change", ({ target }) => {
      const input = target as HTMLInputElement;
      void this.import([...(input.files ?? [])]).then(() => (input.value = "")); // the same file may be chosen again
    });
    for (const id of ["hand-letters", "hand-redo"]) {
      find(id).addEventListener("click", ({ target }) => {
        const letter = target instanceof Element ? target.closest<HTMLElement>("[data-letter]")?.dataset.letter : "";
        if (letter && own.profile) this.start(own.profile.name, [letter]);
      });
    }
    this.acceptDrops();
  }

  /** Whether letters are asked for or checked: nothing is written meanwhile. */
  get keepsText(): boolean {
    return this.view !== "home";
  }

  /** Whether frames are for the enrolment. */
  get asking(): boolean {
    return this.enrolment !== null;
  }

  readonly actions: Record<string, () => void> = {
    hand: () => (this.isOpen ? this.close() : this.open()),
    "hand-close": () => this.close(),
    "hand-anew": () => this.own.profile && this.start(this.own.profile.name, STILL_LETTERS),
    "hand-new": () => {
      this.naming = true;
      this.show();
      find("hand-name").focus();
    },
    "hand-check": () => {
      this.turn("result");
      if (!this.own.report && !this.own.making) void this.own.renew();
      find("hand-title").focus();
    },
    "hand-export": () => this.export(),
    "hand-import": () => find("hand-file").click(),
    "hand-delete": () => this.confirm(true),
    "hand-delete-now": () => {
      this.confirm(false);
      if (this.own.profile) void this.own.delete(this.own.profile.name);
      find("hand-title").focus();
    },
    "hand-keep": () => {
      this.confirm(false);
      document.querySelector<HTMLElement>('[data-do="hand-delete"]')?.focus();
    },
    "hand-skip": () => this.step((enrolment) => enrolment.skip()),
    "hand-back": () => this.step((enrolment) => enrolment.back()),
    "hand-stop": () => void this.finish(),
    "hand-done": () => this.close(),
  };

  /** Handle a frame while letters are asked for: 21 points in pixels of the picture or null, and its time in seconds. */
  see(points: readonly Point[] | null, seconds: number): void {
    this.step((enrolment) => enrolment.see(points, seconds));
  }

  /** Show what has changed. */
  show(): void {
    for (const [view, id] of Object.entries(PANELS)) find(id).hidden = view !== this.view;
    if (this.view === "home") this.showHome();
    else if (this.view === "asking") this.showAsking();
    else this.showResult();
  }

  /** Read profiles from files, and use the last one. */
  async import(files: readonly File[]): Promise<void> {
    for (const file of files) {
      try {
        if (file.size > MAX_BYTES)
          throw new Error(`${file.name}: a profile has at most 1 MiB. Choose a file that ends in .fingerspell.`);
        const name = await this.own.add(decodeProfile(await file.text(), file.name));
        this.naming = false;
        this.tell(`${file.name}: the hand of ${name} is in use now`);
      } catch (error) {
        this.tell(error instanceof Error ? error.message : String(error));
      }
    }
  }

  private open(): void {
    this.isOpen = true;
    find("hand").hidden = false; // or nothing in it can be focused
    this.turn("home");
    find(this.own.profile ? "hand-title" : "hand-name").focus();
  }

  /** Close the panel; what was taken is kept. */
  private close(): void {
    if (this.enrolment) void this.finish();
    this.view = "home";
    this.naming = false;
    this.confirm(false);
    this.isOpen = false;
    find("open-hand").focus();
  }

  private start(name: string, letters: readonly string[]): void {
    this.onStart();
    [this.name, this.naming, this.asked] = [name, false, null];
    this.enrolment = new Enrolment(letters);
    this.turn("asking");
    find("hand-title").focus({ preventScroll: true });
  }

  private step(change: (enrolment: Enrolment) => void): void {
    if (!this.enrolment) return;
    change(this.enrolment);
    if (this.enrolment.phase === "done") void this.finish();
    else this.showAsking();
  }

  /** Keep what was taken, and check it. */
  private async finish(): Promise<void> {
    const taken = [...(this.enrolment?.taken ?? [])];
    this.enrolment = null;
    this.turn(taken.length ? "result" : "home");
    if (!taken.length) return;
    find("hand-title").focus({ preventScroll: true });
    const samples = taken.flatMap(([letter, hands]) => hands.map((placed) => makeSample(letter, placed)));
    await this.own.enrol(this.name, samples);
  }

  private turn(view: View): void {
    this.view = view;
    this.show();
  }

  private confirm(asked: boolean): void {
    find("hand-confirm").hidden = !asked;
    find("hand-actions").hidden = asked;
    if (!asked) return;
    setText(
      "hand-sure",
      `Delete the hand of ${this.own.profile?.name ?? ""}? Only an exported file can bring it back.`,
    );
    document.querySelector<HTMLElement>('[data-do="hand-keep"]')?.focus();
  }

  private showHome(): void {
    const { profile, store, problem, making } = this.own;
    const counts = profile ? countLetters(profile) : [];
    setText(
      "hand-about",
      problem || (making ? "The service makes the correction for this hand." : about(counts.length)),
    );
    find("hand-people").hidden = !store.names.length;
    fill("person", [profile?.name, store.names], () => [
      new Option("nobody: read without a profile", "", !profile, !profile),
      ...store.names.map((name) => new Option(name, name, name === profile?.name, name === profile?.name)),
    ]);
    fillLetters("hand-letters", counts, []);
    find("hand-letters").hidden = !profile;
    find("hand-form").hidden = profile !== null && !this.naming;
    for (const name of ["anew", "check", "new", "export", "delete"]) {
      const button = document.querySelector<HTMLElement>(`[data-do="hand-${name}"]`);
      if (button) button.hidden = !profile;
    }
  }

  private showAsking(): void {
    const { enrolment } = this;
    if (!enrolment?.letter) return;
    const { letter, phase, letters, asked, count, ring } = enrolment;
    if (this.asked !== letter) {
      const shape = find<HTMLCanvasElement>("hand-shape");
      void drawLetter(shape, letter);
      shape.setAttribute("aria-label", `How ${letter} is signed, as in a mirror`);
      this.asked = letter;
    }
    setText("hand-asked", `Show ${letter}`);
    setText("hand-phase", SAY[phase]);
    find("ring").style.strokeDashoffset = String(1 - (phase === "taking" ? 1 : ring));
    setText("dots", "●".repeat(count) + "○".repeat(SAMPLES - count));
    find("dots").setAttribute("aria-label", `${count} of ${SAMPLES} samples`);
    const progress = find<HTMLProgressElement>("hand-progress");
    [progress.max, progress.value] = [letters.length, asked];
    setText("hand-count", `${asked} of ${letters.length}`);
  }

  private showResult(): void {
    const { profile, report, making, problem } = this.own;
    const { verdict, findings, doubtful } = describeReport(report);
    setText("hand-verdict", report ? verdict : making ? "The service compares your letters …" : problem);
    fill("hand-findings", findings, () =>
      findings.map((finding) => Object.assign(document.createElement("li"), { textContent: finding })),
    );
    fillLetters("hand-redo", profile ? countLetters(profile) : [], doubtful);
  }

  private export(): void {
    const { profile } = this.own;
    if (!profile) return;
    const address = URL.createObjectURL(new Blob([encodeProfile(profile)], { type: "application/json" }));
    const link = Object.assign(document.createElement("a"), { href: address, download: fileName(profile) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), DOWNLOAD);
  }

  private acceptDrops(): void {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    document.addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault(); // the browser would leave the page and show the file
      void this.import([...(event.dataTransfer?.files ?? [])]);
    });
  }
}

function about(letters: number): string {
  if (letters) return `${letters} of ${STILL_LETTERS.length} letters of this hand are known. Choose one to show it again.`;
  return (
    "Show your own letters once, in about a minute, and they are recognised better from then on. Nothing is to be pressed: " +
    "show each letter that is asked for and hold it still. Nothing is written meanwhile."
  );
}

/** Show letters as buttons, with their numbers of samples. */
function fillLetters(id: string, counts: [letter: string, count: number][], doubtful: readonly string[]): void {
  fill(id, [counts, doubtful], () =>
    counts.map(([letter, count]) => {
      const button = make("button", { type: "button", textContent: letter });
      button.dataset.letter = letter;
      if (doubtful.includes(letter)) button.classList.add("doubtful");
      const doubt = doubtful.includes(letter) ? ", better shown again" : "";
      button.setAttribute("aria-label", `${letter}: ${count} ${count === 1 ? "sample" : "samples"}${doubt}`);
      return make("li", {}, button);
    }),
  );
}
