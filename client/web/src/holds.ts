import { placeInMask, type Point } from "./mask";

type Points = readonly Point[];

/** Frames of a hold that are kept: enough to learn a letter from. */
const KEPT = 3;
/** Frames of a hold that are looked at: four seconds of a fast camera. */
const LONGEST = 240;

/** Keeps the hands of the letter that is being held, from when it won the vote until it is committed. */
export class Hold {
  private letter: string | null = null;
  private hands: Points[] = [];

  /** Handle a reply to this hand, in pixels of the picture: the smoothed letter. */
  see(smoothed: string | null, points: Points | null): void {
    if (smoothed !== this.letter) [this.letter, this.hands] = [smoothed, []];
    if (smoothed !== null && points && this.hands.length < LONGEST) this.hands.push(points);
  }

  /** Up to three hands of the hold, spread over it, as shares of the mask's side. */
  get spread(): Points[] {
    const count = Math.min(KEPT, this.hands.length);
    const last = this.hands.length - 1;
    return Array.from({ length: count }, (_, index) => {
      return placeInMask(this.hands[count > 1 ? Math.round((index * last) / (count - 1)) : 0]);
    });
  }
}
