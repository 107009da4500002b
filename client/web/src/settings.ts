/** What the signer has set, kept in the browser. */

export interface Settings {
  camera: string;
  mirrored: boolean;
  threshold: number;
  hold: number;
  token: string;
}

const KEY = "fingerspell";
const DEFAULTS: Settings = { camera: "", mirrored: true, threshold: 0.5, hold: 0.3, token: "" };

/** Read the settings; what is missing or of another kind is as by default. */
export function readSettings(storage: Storage): Settings {
  const settings: Settings = { ...DEFAULTS };
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? "{}") as Record<string, unknown>;
    for (const name of Object.keys(DEFAULTS) as (keyof Settings)[]) {
      if (typeof kept[name] === typeof DEFAULTS[name]) Object.assign(settings, { [name]: kept[name] });
    }
  } catch {
    // what cannot be read is not kept any more
  }
  return settings;
}

export function writeSettings(storage: Storage, settings: Settings): void {
  try {
    storage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // a browser that keeps nothing, such as in a private window
  }
}
