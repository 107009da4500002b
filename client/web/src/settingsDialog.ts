/** The dialog with the settings and the keys. */

import { canVibrate } from "./feedback";
import { HELP } from "./keys";
import { describeOwnWords, readOwnWords } from "./ownWords";
import { fill, find, make, setText } from "./page";
import type { Settings } from "./settings";

export interface Outside {
  /** Keeps the settings. */
  save: () => void;
  /** Opens the stream anew. */
  reconnect: () => void;
  openCamera: () => void;
  ownWordsChanged: () => void;
  wordsSwitched: () => void;
}

export class SettingsDialog {
  readonly dialog = find<HTMLDialogElement>("settings-dialog");

  constructor(
    private readonly settings: Settings,
    private readonly outside: Outside,
  ) {
    this.onChange("threshold", (input) => (settings.threshold = Number(input.value)), outside.reconnect);
    this.onChange("hold", (input) => (settings.hold = Number(input.value)), outside.reconnect);
    this.onChange("token", (input) => (settings.token = input.value.trim()), outside.reconnect);
    this.onChange("camera", (input) => (settings.camera = input.value), outside.openCamera);
    this.onChange("own-words", (input) => (settings.ownWords = input.value), outside.ownWordsChanged);
    this.onChange("use-words", (input) => (settings.words = input.checked), outside.wordsSwitched);
    this.onChange("sound", (input) => (settings.sound = input.checked));
    this.onChange("vibration", (input) => (settings.vibration = input.checked));
    find("vibration-label").hidden = !canVibrate;
    const area = find<HTMLTextAreaElement>("own-words");
    area.value = settings.ownWords;
    area.addEventListener("input", () => this.describeWords());
    this.describeWords();
    find<HTMLInputElement>("token").value = settings.token;
    find<HTMLInputElement>("sound").checked = settings.sound;
    find<HTMLInputElement>("vibration").checked = settings.vibration;
    find("keys").append(...HELP.flatMap(([name, does]) => [make("dt", { textContent: name }), make("dd", { textContent: does })]));
  }

  /** Show the options that hold: the signer's, or the service's where the signer has not chosen. */
  render(defaults: { threshold: number; hold: number }): void {
    const threshold = this.settings.threshold ?? defaults.threshold;
    const hold = this.settings.hold ?? defaults.hold;
    find<HTMLInputElement>("threshold").value = String(threshold);
    find<HTMLInputElement>("hold").value = String(hold);
    setText("threshold-value", `${Math.round(100 * threshold)} %`);
    setText("hold-value", `${hold.toFixed(1)} s`);
    find<HTMLInputElement>("use-words").checked = this.settings.words;
  }

  /** Show the cameras that there are, and which one is in use. */
  renderCameras(cameras: readonly MediaDeviceInfo[], current: string): void {
    fill("camera", [cameras.map(({ deviceId, label }) => [deviceId, label]), current], () =>
      cameras.map(({ deviceId, label }, index) => {
        return new Option(label || `Camera ${index + 1}`, deviceId, deviceId === current, deviceId === current);
      }),
    );
  }

  private describeWords(): void {
    setText("own-words-count", describeOwnWords(readOwnWords(find<HTMLTextAreaElement>("own-words").value)));
  }

  private onChange(id: string, set: (input: HTMLInputElement) => void, then?: () => void): void {
    const input = find<HTMLInputElement>(id); // or a list or an area, of which the value is used alike
    input.addEventListener("change", () => {
      set(input);
      this.outside.save();
      then?.();
    });
  }
}
