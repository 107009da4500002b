/** A signer's profile: samples of the own hand and the correction made of them; the file NAME.fingerspell. */

import { drawPlaced, MASK_SIZE, MASK_VERSION, type Point } from "./mask";
import { encodePng } from "./png";

/** What the service made of a profile's samples: kept and sent back as it is. */
export type Correction = { readonly model: string } & Readonly<Record<string, unknown>>;

export interface Sample {
  readonly letter: string;
  /** The 21 landmarks where they lie in the mask, as the file has them. */
  readonly landmarks: string;
}

export interface Profile {
  readonly name: string;
  readonly samples: readonly Sample[];
  /** Null if it has yet to be made of these samples. */
  readonly correction: Correction | null;
}

const FORMAT = "fingerspell profile";
const VERSION = 1;
/** Bytes of a file. */
export const MAX_BYTES = 2 ** 20;
/** Bytes of a correction: a longer message would close the stream. */
const MAX_CORRECTION = 2 ** 19 - 64;
/** Samples of one letter: a further one replaces the oldest. */
export const MAX_SAMPLES = 10;
/** Characters of a name. */
export const MAX_NAME = 60;
/** A coordinate is a share of the mask's side times this. */
const SCALE = 65535;
const POINTS = 21;

/** Make a sample of 21 landmarks as shares of the mask's side; those outside are moved to its edge. */
export function makeSample(letter: string, placed: readonly Point[]): Sample {
  const bytes = new DataView(new ArrayBuffer(4 * POINTS));
  placed.flat().forEach((share, index) => {
    bytes.setUint16(2 * index, Math.min(Math.max(Math.round(share * SCALE), 0), SCALE), true);
  });
  return { letter, landmarks: btoa(String.fromCharCode(...new Uint8Array(bytes.buffer))) };
}

/** The landmarks of a sample, as shares of the mask's side. Throws a RangeError if they are not 21 points. */
export function readLandmarks(landmarks: string): Point[] {
  const text = atob(landmarks);
  if (text.length !== 4 * POINTS) throw new RangeError(`${text.length} bytes instead of ${4 * POINTS}`);
  const view = new DataView(Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer);
  return Array.from({ length: POINTS }, (_, index): Point => [
    view.getUint16(4 * index, true) / SCALE,
    view.getUint16(4 * index + 2, true) / SCALE,
  ]);
}

/** Draw a sample's mask again, as a PNG. */
export function drawSample({ landmarks }: Sample): Promise<Uint8Array<ArrayBuffer>> {
  return encodePng(drawPlaced(readLandmarks(landmarks)), MASK_SIZE, MASK_SIZE);
}

/** Add samples; of each letter the newest stay. The correction has to be made anew. */
export function addSamples(profile: Profile, added: readonly Sample[]): Profile {
  const newest = new Map<string, number>();
  const samples = [...profile.samples, ...added]
    .reverse()
    .filter(({ letter }) => {
      newest.set(letter, (newest.get(letter) ?? 0) + 1);
      return (newest.get(letter) ?? 0) <= MAX_SAMPLES;
    })
    .reverse();
  return { ...profile, samples, correction: null };
}

/** Put samples in the place of all others of their letters. */
export function replaceSamples(profile: Profile, taken: readonly Sample[]): Profile {
  const letters = new Set(taken.map(({ letter }) => letter));
  return addSamples({ ...profile, samples: profile.samples.filter(({ letter }) => !letters.has(letter)) }, taken);
}

/** The letters of a profile and their numbers of samples, in the order of the alphabet. */
export function countLetters({ samples }: Profile): [letter: string, count: number][] {
  const letters = [...new Set(samples.map(({ letter }) => letter))].sort();
  return letters.map((letter) => [letter, samples.filter((sample) => sample.letter === letter).length]);
}

/** A name without what a file name or a line cannot hold; "" if nothing is left. */
export function cleanName(name: string): string {
  return [...name.replace(/[\p{Cc}\s]+/gu, " ").trim()].slice(0, MAX_NAME).join("").trim();
}

/** A profile's file name. */
export function fileName({ name }: Profile): string {
  return `${name.replace(/[\\/:*?"<>|]/g, "_").replace(/^\.+/, "_")}.fingerspell`;
}

/** Write a profile as the text of its file. */
export function encodeProfile({ name, samples, correction }: Profile): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, name, mask_version: MASK_VERSION, samples, correction })}\n`;
}

/**
 * Read the text of a file. Further members are ignored; a correction for masks of another version is left out, because
 * the masks are drawn anew. Throws an Error that says what is wrong, where, and what to do.
 */
export function decodeProfile(text: string, file: string): Profile {
  const reject = (what: string, advice = "Export the profile again where it was made."): never => {
    throw new Error(`${file}: ${what}. ${advice}`);
  };
  if (countBytes(text) > MAX_BYTES)
    reject("it has more than 1 MiB, and no profile has", "Choose a file that ends in .fingerspell.");
  const stored = parse(text) ?? reject("it is not a profile, or is damaged: it is not a JSON object");
  if (stored.format !== FORMAT)
    reject(`it is not a profile: 'format' is not '${FORMAT}'`, "Choose a file that ends in .fingerspell.");
  if (stored.version !== VERSION) {
    reject(
      `it has version ${JSON.stringify(stored.version)} of the format, and this page reads version ${VERSION}`,
      "Reload this page, or update the service that it comes from.",
    );
  }
  const { name, samples, correction } = stored;
  if (typeof name !== "string" || !cleanName(name)) reject("'name' is not a text, or is empty");
  if (typeof stored.mask_version !== "string") reject("'mask_version' is not a text");
  if (!Array.isArray(samples)) return reject("'samples' is not a list");
  if (correction !== null && !isCorrection(correction))
    reject("'correction' is neither null nor an object with a 'model'");
  if (countBytes(JSON.stringify(correction)) > MAX_CORRECTION) reject("'correction' has more than 512 KiB");
  const checked = samples.map((sample: unknown, index) => {
    const wrong = findFault(sample);
    return wrong ? reject(`samples[${index}]: ${wrong}`) : pick(sample as Sample);
  });
  const profile = {
    name: cleanName(name as string),
    samples: checked,
    correction: stored.mask_version === MASK_VERSION ? ((correction as Correction | null) ?? null) : null,
  };
  const [letter, count] = countLetters(profile).find(([, count]) => count > MAX_SAMPLES) ?? [];
  if (letter) reject(`'samples' has ${count} samples of ${letter}, and ${MAX_SAMPLES} is the most`);
  return profile;
}

export function isCorrection(value: unknown): value is Correction {
  return isObject(value) && typeof value.model === "string";
}

function countBytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const stored: unknown = JSON.parse(text);
    return isObject(stored) ? stored : null;
  } catch {
    return null;
  }
}

function pick({ letter, landmarks }: Sample): Sample {
  return { letter, landmarks };
}

function findFault(sample: unknown): string {
  if (!isObject(sample)) return "it is not an object";
  const { letter, landmarks } = sample;
  if (typeof letter !== "string" || !/^[A-Z]$/.test(letter)) return "'letter' is not one capital, A to Z";
  if (typeof landmarks !== "string") return "'landmarks' is not a text";
  try {
    readLandmarks(landmarks);
  } catch (error) {
    return `'landmarks' is not ${POINTS} points in base64 (${error instanceof Error ? error.message : String(error)})`;
  }
  return "";
}
