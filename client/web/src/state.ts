/** What the page shows, besides the text: one object, from which everything on the screen is drawn. */

import type { Point } from "./mask";
import type { Reply, State as Connection } from "./stream";

export const TABS = ["read", "practise", "letters"] as const;
export type Tab = (typeof TABS)[number];

export interface PageState {
  tab: Tab;
  /** Whether the panel "Your hand" is in the place of the tab's. */
  hand: boolean;
  /** "off" until it is asked for; "starting" until its first picture. */
  camera: "off" | "starting" | "on" | "lost";
  /** Share of the hand model that is loaded. */
  loaded: number;
  /** Whether it finds hands. */
  ready: boolean;
  connection: Connection;
  paused: boolean;
  /** Whether letters join the text. */
  writing: boolean;
  problems: { worker: string; camera: string; service: string };
  /** What the signer can do to be recognised better. */
  hint: string;
  /** What was said last, for a moment. */
  note: string;
  /** The hand in the newest picture, in its pixels, and the picture's size. */
  points: readonly Point[] | null;
  size: { width: number; height: number };
  reply: Reply | null;
  /** The letter that the last one may have been instead; "" if it is clear. */
  runnerUp: string;
  /** What was sent last; null if nothing is. */
  sent: { mask: Uint8Array; trail: Uint8Array | null } | null;
  takesTrails: boolean;
  /** Lowest confidence at which a letter counts. */
  threshold: number;
  /** Whose hand the letters are recognised with; "" if with nobody's. */
  person: string;
  pace: string;
}

export const state: PageState = {
  tab: "read",
  hand: false,
  camera: "off",
  loaded: 0,
  ready: false,
  connection: "connecting",
  paused: false,
  writing: true,
  problems: { worker: "", camera: "", service: "" },
  hint: "",
  note: "",
  points: null,
  size: { width: 640, height: 480 },
  reply: null,
  runnerUp: "",
  sent: null,
  takesTrails: false,
  threshold: 0.5,
  person: "",
  pace: "",
};

/** The letter of a reply that is shown. */
export function letterOf(reply: Reply | null): string {
  return reply?.smoothed ?? reply?.letter ?? "";
}

/** How sure a reply's letter is: one that will be added if it is held, one that may still change, or none. */
export function certaintyOf(reply: Reply | null): "steady" | "wavering" | "unsure" {
  if (!letterOf(reply)) return "unsure";
  return reply?.smoothed && (reply.letter ?? reply.smoothed) === reply.smoothed ? "steady" : "wavering";
}
