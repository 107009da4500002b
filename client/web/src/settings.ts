/** What the signer has set, stored in the browser. */

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
}

const KEY = "fingerspell";
const DEFAULTS: Settings = {
  camera: "", mirrored: true, threshold: null, hold: null, token: "", words: true, ownWords: "",
}; // prettier-ignore
const KINDS: Record<keyof Settings, string> = {
  camera: "string", mirrored: "boolean", threshold: "number", hold: "number", token: "string",
  words: "boolean", ownWords: "string",
}; // prettier-ignore

/** Read the settings; missing ones and those of another type get their default. */
export function readSettings(storage: Storage): Settings {
  const settings: Settings = { ...DEFAULTS };
  try {
    const stored = JSON.parse(storage.getItem(KEY) ?? "{}") as Record<string, unknown>;
    for (const name of Object.keys(KINDS) as (keyof Settings)[]) {
      if (typeof stored[name] === KINDS[name]) Object.assign(settings, { [name]: stored[name] });
    }
  } catch {
    // unreadable settings are replaced by the defaults
  }
  return settings;
}

export function writeSettings(storage: Storage, settings: Settings): void {
  try {
    storage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // a browser that stores nothing, for example in a private window
  }
}
