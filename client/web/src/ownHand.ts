/** The signer's own hand: which profile is in use, and that its correction is made, kept and in force. No page. */

import { NoProfiles, type ProfileReply } from "./correction";
import type { Point } from "./mask";
import { addSamples, makeSample, replaceSamples, type Correction, type Profile, type Sample } from "./profile";
import type { ProfileStore } from "./profileStore";
import { Unanswered } from "./request";
import { NOTHING_STORED } from "./storage";
import type { ProfileAnswer } from "./stream";

/** Milliseconds before a service that gave no correction is asked again. */
const RETRY = 10_000;
/** Milliseconds before a correction is made anew once more: the service's workers change models one after another. */
const NEXT_MODEL = 3000;
/** Corrections in a row that may be outdated when they arrive. */
const MAX_OUTDATED = 5;
/** Milliseconds in which a service that knows profiles answers one. */
const ANSWER = 5000;
/** The name of a profile that begins with a mistake, without an enrolment. */
const UNNAMED = "me";
const NO_PROFILES =
  "This service cannot use your hand: letters are read without it. Your samples stay in this browser.";

/** A mistake that was learned from, and what takes it back. */
interface Lesson {
  before: Profile | null;
  name: string;
  /** Whether there were hands to learn from. */
  learned: boolean;
  restore: () => void;
}

export interface Outside {
  /** Has the stream use a correction. */
  correct(correction: Correction | null): void;
  /** Has the service make one: `makeCorrection`. */
  make(samples: readonly Sample[]): Promise<ProfileReply>;
  /** Shows what has changed. */
  show(): void;
  /** Tells the signer something once. */
  tell(text: string): void;
}

export class OwnHand {
  /** Whether the service recognises letters with this hand's correction at the moment. */
  inForce = false;
  /** Whether a correction is being made. */
  making = false;
  /** What the service said of the samples; null if it was not asked since they changed. */
  report: ProfileReply | null = null;
  /** Why there is no correction; "" if there is one, or none is needed. */
  problem = "";
  private run = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private answer: ReturnType<typeof setTimeout> | undefined;
  private connected = false;
  private outdated = 0;
  private refused = false;
  private toldMissing = false;
  private lessons: Lesson[] = [];

  constructor(
    readonly store: ProfileStore,
    private readonly outside: Outside,
  ) {}

  get profile(): Profile | null {
    return this.store.current;
  }

  /** Load the profiles, and use the one that was in use before the page was left. */
  async load(): Promise<void> {
    try {
      for (const fault of await this.store.load()) this.outside.tell(fault);
    } catch {
      this.outside.tell(NOTHING_STORED);
    }
    this.adopt();
  }

  /** Use another person's profile, or none. */
  async use(name: string | null): Promise<void> {
    await this.keep(this.store.use(name));
    this.lessons = [];
    this.adopt();
  }

  /** Put samples in the place of those of their letters, in the profile of this name, and use it. */
  async enrol(name: string, samples: readonly Sample[]): Promise<void> {
    const before = this.profile?.name === name ? this.profile : { name, samples: [], correction: null };
    this.lessons = [];
    await this.change(replaceSamples(before, samples));
  }

  /** Add a profile from a file, under a free name, and use it; returns the name. */
  async add(profile: Profile): Promise<string> {
    const name = this.store.freeName(profile.name);
    await this.keep(this.store.save({ ...profile, name }));
    this.lessons = [];
    this.adopt();
    return name;
  }

  async delete(name: string): Promise<void> {
    await this.keep(this.store.delete(name));
    this.lessons = [];
    this.adopt();
  }

  /** Learn from a mistake: these hands (shares of the mask's side) were this letter. `restore` is called by `undo`. */
  async learn(letter: string, hands: readonly (readonly Point[])[], restore: () => void): Promise<void> {
    const before = this.profile;
    const profile = before ?? { name: this.store.freeName(UNNAMED), samples: [], correction: null };
    this.lessons.push({ before, name: profile.name, learned: hands.length > 0, restore });
    if (!hands.length) return;
    await this.change(
      addSamples(
        profile,
        hands.map((placed) => makeSample(letter, placed)),
      ),
    );
  }

  /** Take the last mistake back: its samples, and what it changed; false if there is none. */
  async undo(): Promise<boolean> {
    const lesson = this.lessons.pop();
    if (!lesson) return false;
    lesson.restore();
    if (!lesson.learned) return true;
    if (lesson.before) await this.change({ ...lesson.before, correction: null });
    else {
      await this.keep(this.store.delete(lesson.name));
      this.adopt();
    }
    return true;
  }

  /** Have the correction made anew; what is in force stays so until then. */
  async renew(): Promise<void> {
    const run = this.begin();
    const { profile } = this;
    if (!profile?.samples.length) {
      this.drop();
      return;
    }
    this.making = true;
    this.outside.show();
    try {
      const report = await this.outside.make(profile.samples);
      if (run !== this.run) return;
      this.making = false;
      this.report = report;
      this.problem = "";
      await this.keep(this.store.save({ ...profile, correction: report.correction }));
      if (run === this.run) this.send(report.correction);
    } catch (error) {
      if (run === this.run) this.fail(error);
    }
    this.outside.show();
  }

  /** The stream was opened or lost. It has sent the correction, if there is one. */
  setConnected(connected: boolean): void {
    if (connected === this.connected) return;
    this.connected = connected;
    this.inForce = false;
    clearTimeout(this.answer);
    if (!connected) return;
    if (this.profile?.correction) this.expectAnswer();
    else if (!this.making) void this.renew();
  }

  /** The service has said whether the correction is in force. */
  onAnswer({ profile, error }: ProfileAnswer): void {
    clearTimeout(this.answer);
    this.inForce = profile === "in force" || (profile === "refused" && this.inForce);
    if (profile === "in force") {
      [this.outdated, this.refused, this.toldMissing, this.problem] = [0, false, false, ""];
    } else if (profile === "outdated") {
      this.onOutdated();
    } else if (profile === "refused") {
      const again = this.refused;
      this.refused = true;
      if (!again) void this.renew();
      else this.complain(error ?? "The service refuses your hand's correction.");
    }
    this.outside.show();
  }

  private onOutdated(): void {
    this.outdated++;
    if (this.outdated === 1) void this.renew();
    else if (this.outdated <= MAX_OUTDATED) this.retry = setTimeout(() => void this.renew(), NEXT_MODEL);
    else this.complain("The service keeps changing its model: letters are read without your hand.");
  }

  private async change(profile: Profile): Promise<void> {
    await this.keep(this.store.save(profile));
    await this.renew();
  }

  /** Use the profile in use as it is stored. */
  private adopt(): void {
    this.begin();
    this.inForce = false;
    this.problem = "";
    const correction = this.profile?.correction ?? null;
    if (correction) this.send(correction);
    else {
      this.outside.correct(null); // not another person's until this one's is made
      void this.renew();
    }
    this.outside.show();
  }

  private begin(): number {
    clearTimeout(this.retry);
    this.making = false;
    this.report = null;
    return ++this.run;
  }

  /** No samples: nothing is corrected. */
  private drop(): void {
    this.inForce = false;
    this.problem = "";
    clearTimeout(this.answer);
    this.outside.correct(null);
    this.outside.show();
  }

  private send(correction: Correction): void {
    this.outside.correct(correction);
    if (this.connected) this.expectAnswer();
  }

  private expectAnswer(): void {
    clearTimeout(this.answer);
    this.answer = setTimeout(() => this.fail(new NoProfiles()), ANSWER);
  }

  private fail(error: unknown): void {
    this.making = false;
    if (error instanceof NoProfiles) {
      this.problem = error.message ? `${NO_PROFILES} ${error.message}` : NO_PROFILES;
      if (!this.toldMissing) this.outside.tell(this.problem);
      this.toldMissing = true;
      this.inForce = false; // the stream keeps it for a service that was updated
      this.outside.show();
      return;
    }
    const why = error instanceof Error ? error.message.replace(/\.$/, "") : String(error);
    this.complain(`Your hand's correction was not made: ${why}. Your samples stay in this browser.`);
    if (error instanceof Unanswered) this.retry = setTimeout(() => void this.renew(), RETRY);
  }

  private complain(text: string): void {
    if (this.problem !== text) this.outside.tell(text);
    this.problem = text;
  }

  private async keep(writing: Promise<void>): Promise<void> {
    try {
      await writing;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.outside.tell(`This browser does not store your hand (${why}). Export it before you leave this page.`);
    }
  }
}
