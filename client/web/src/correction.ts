/** Asks the service for a correction: masks drawn from the stored landmarks go there, the landmarks do not. */

import { MASK_VERSION } from "./mask";
import { drawSample, isCorrection, type Correction, type Sample } from "./profile";
import { explain, post, Unanswered } from "./request";

/** What `POST /profile` replies. */
export interface ProfileReply {
  correction: Correction;
  letters: LetterReport[];
  /** Samples that fit none of the person's others: what each looks like, if anything. */
  dropped: { letter: string; reads: string | null }[];
  /** Pairs of letters that this person signs alike. */
  alike: [string, string][];
}

export interface LetterReport {
  letter: string;
  samples: number;
  used: number;
  /** Share of the letter's samples that is recognised, without and with a correction; null for a single sample. */
  before: number | null;
  after: number | null;
}

/** Milliseconds that the service may take. */
const TIMEOUT = 30_000;

/** The service has no `/profile`, or its model cannot be corrected; the message says why, if the service did. */
export class NoProfiles extends Error {}

/** Have a correction made. Throws NoProfiles, Unanswered, or an Error with what the service said. */
export async function makeCorrection(samples: readonly Sample[], token: string): Promise<ProfileReply> {
  const form = new FormData();
  for (const sample of samples) {
    form.append(sample.letter, new Blob([await drawSample(sample)], { type: "image/png" }), `${sample.letter}.png`);
  }
  const response = await post(`/profile?${new URLSearchParams({ mask_version: MASK_VERSION })}`, form, token, TIMEOUT);
  if (response.status === 404 || response.status === 405) throw new NoProfiles();
  if (response.ok) return check(await response.json().catch(() => null));
  const why = await explain(response);
  if (response.status === 501) throw new NoProfiles(why);
  throw response.status === 408 || response.status === 429 || response.status >= 500
    ? new Unanswered(why)
    : new Error(why);
}

function check(reply: unknown): ProfileReply {
  const { correction, letters, dropped, alike } = (reply ?? {}) as Partial<ProfileReply>;
  if (!isCorrection(correction) || !Array.isArray(letters) || !Array.isArray(dropped) || !Array.isArray(alike)) {
    throw new Error("The service's answer is not a correction. Reload this page");
  }
  return { correction, letters, dropped, alike };
}
