/** What an added letter sounds and feels like, for those who want that. */

/** Hertz, seconds and share of the full volume of the sound. */
const [PITCH, LENGTH, VOLUME] = [880, 0.08, 0.15];
/** Milliseconds. */
const VIBRATION = 25;
let audio: AudioContext | null = null;

export function playSound(): void {
  audio ??= new AudioContext();
  const [tone, volume] = [audio.createOscillator(), audio.createGain()];
  tone.frequency.value = PITCH;
  volume.gain.setValueAtTime(VOLUME, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + LENGTH);
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + LENGTH);
}

export const canVibrate = "vibrate" in navigator;

export function vibrate(): void {
  navigator.vibrate(VIBRATION);
}
