/** How each letter is formed, and what to change, in plain sentences. The letters are those of the ASL manual alphabet. */

/** How a letter is formed. */
export const FORMED: Readonly<Record<string, string>> = {
  A: "Make a fist with the thumb straight up beside the index finger.",
  B: "Hold four fingers straight up and together, and fold the thumb across the palm.",
  C: "Curve the fingers and the thumb as if around a cup.",
  D: "Point the index finger up; the other fingertips touch the thumb.",
  E: "Curl all fingers down, and tuck the thumb below the fingertips.",
  F: "Index finger and thumb touch; the other three fingers are straight and spread.",
  G: "Turn the hand sideways: index finger and thumb point the same way, a little apart.",
  H: "Turn the hand sideways: index and middle finger point straight to the side, together.",
  I: "Make a fist with the little finger straight up.",
  J: "Hold the little finger up as for I, and draw a J with its tip: down, then in a hook to the thumb's side.",
  K: "Index finger up, middle finger forward, and the tip of the thumb between them.",
  L: "Index finger up and thumb out to the side make an L.",
  M: "Fold three fingers over the thumb: index, middle and ring finger.",
  N: "Fold two fingers over the thumb: index and middle finger.",
  O: "Bring all fingertips to the thumb, to make a round O.",
  P: "Form K, and tilt the hand down until the middle finger points to the floor.",
  Q: "Form G, and tilt the hand down: index finger and thumb point to the floor.",
  R: "Cross index and middle finger, straight up.",
  S: "Make a fist with the thumb across the front of the fingers.",
  T: "Make a fist with the thumb between index and middle finger.",
  U: "Index and middle finger straight up and together.",
  V: "Index and middle finger straight up and spread.",
  W: "Index, middle and ring finger straight up and spread; the thumb holds the little finger.",
  X: "Make a fist with the index finger bent like a hook.",
  Y: "Make a fist with the thumb and the little finger stretched out.",
  Z: "Point with the index finger, and draw a Z with its tip: across, back down, across.",
};

/** Where the thumb belongs. */
export const THUMB: Readonly<Record<string, string>> = {
  A: "Hold the thumb straight up beside the index finger.",
  B: "Fold the thumb across the palm.",
  C: "Curve the thumb, opposite the fingers.",
  D: "Touch the tip of the middle finger with the thumb.",
  E: "Tuck the thumb in, below the fingertips.",
  F: "Touch the tip of the index finger with the thumb.",
  G: "Hold the thumb beside the index finger, a little apart.",
  H: "Fold the thumb over the ring finger.",
  I: "Fold the thumb over the bent fingers.",
  K: "Put the thumb between index and middle finger.",
  L: "Stretch the thumb out to the side.",
  M: "Tuck the thumb under index, middle and ring finger.",
  N: "Tuck the thumb under index and middle finger.",
  O: "Touch the fingertips with the thumb.",
  P: "Put the thumb between index and middle finger.",
  Q: "Hold the thumb beside the index finger, a little apart.",
  R: "Fold the thumb over the ring finger.",
  S: "Lay the thumb across the front of the fingers.",
  T: "Put the thumb between index and middle finger.",
  U: "Fold the thumb over the ring finger.",
  V: "Fold the thumb over the ring finger.",
  W: "Hold the little finger down with the thumb.",
  X: "Fold the thumb over the middle finger.",
  Y: "Stretch the thumb out to the side.",
};

const UPRIGHT = "Hold the hand upright, with the palm to the camera.";
const HANDS: Readonly<Record<string, string>> = {
  C: "Hold the hand upright; the side of the hand may face the camera.",
  O: "Hold the hand upright; the side of the hand may face the camera.",
  G: "Turn the hand sideways, so that the index finger points to the side.",
  H: "Turn the hand sideways, so that the fingers point to the side.",
  P: "Tilt the hand down, so that the middle finger points to the floor.",
  Q: "Tilt the hand down, so that index finger and thumb point to the floor.",
};

/** How the whole hand is held. */
export function describeHand(letter: string): string {
  return HANDS[letter] ?? UPRIGHT;
}

/** Join names as in "index, middle and ring finger". */
export function joinFingers(names: readonly string[]): string {
  const [last, ...before] = [...names].reverse();
  return before.length ? `${before.reverse().join(", ")} and ${last} finger` : `${last} finger`;
}
