/** What the signer has set, stored in the browser. */

import type { Store } from "./storage";

export interface Settings {
  camera: string;
  mirrored: boolean;
  /** Null is whatever the service uses. */
  threshold: number | null;
  hold: number | null;
  token: string;
  /** Whether letters become words. */
  words: boolean;
  /** The signer's own words, as they were typed. */
  ownWords: string;
  /** Whether an added letter is heard, and felt. */
  sound: boolean;
  vibration: boolean;
}

const KEY = "fingerspell";
const DEFAULTS: Settings = {
  camera: "", mirrored: true, threshold: null, hold: null, token: "", words: true, ownWords: "",
  sound: false, vibration: true,
}; // prettier-ignore
const KINDS: Record<keyof Settings, string> = {
  camera: "string", mirrored: "boolean", threshold: "number", hold: "number", token: "string",
  words: "boolean", ownWords: "string", sound: "boolean", vibration: "boolean",
}; // prettier-ignore

/** Read the settings; missing ones and those of another type get their default. */
export function readSettings(store: Store): Settings {
  const settings: Settings = { ...DEFAULTS };
  try {
    const stored = JSON.parse(store.getItem(KEY) ?? "{}") as Record<string, unknown>;
    for (const name of Object.keys(KINDS) as (keyof Settings)[]) {
      if (typeof stored[name] === KINDS[name]) Object.assign(settings, { [name]: stored[name] });
    }
  } catch {
    // unreadable settings are replaced by the defaults
  }
  return settings;
}

export function writeSettings(store: Store, settings: Settings): void {
  store.setItem(KEY, JSON.stringify(settings));
}
