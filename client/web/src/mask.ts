/**
 * The mask: the 21 hand landmarks drawn on black, the only picture of a hand that leaves the signer's machine.
 *
 * Draws what client/mask.py draws; tests/mask.test.ts compares the two. Lines are as OpenCV draws them:
 * a rectangle whose edges are stepped along and filled between, with a disc at each end.
 */

export const MASK_VERSION = "finger-colours-3";
export const MASK_SIZE = 224;
/** Free border on each side, as a share of the mask's side. */
const MARGIN = 0.1;
/** Half the width of a drawn bone, and the radius of its ends, in pixels. */
const RADIUS = 4;
/** Landmarks are placed to a sixteenth of a pixel. */
const SUBPIXELS = 16;

export type Point = readonly [x: number, y: number];
type Colour = readonly [red: number, green: number, blue: number];

export const PALM = [0, 1, 5, 9, 13, 17] as const;
const PALM_COLOUR: Colour = [128, 128, 128];
/** Index, middle, ring and little finger and thumb in the order of drawing. */
export const FINGERS = [
  [5, 6, 7, 8],
  [9, 10, 11, 12],
  [13, 14, 15, 16],
  [17, 18, 19, 20],
  [1, 2, 3, 4],
] as const;
export const FINGER_COLOURS: readonly Colour[] = [
  [255, 64, 64],
  [64, 255, 64],
  [80, 80, 255],
  [255, 255, 0],
  [255, 255, 255],
];
/** Brightness of a finger's bones from the palm to the tip. */
const SHADES = [0.45, 0.7, 1.0];
/** Half the width of a disc's rows, from its middle outwards. */
const DISC = [4, 3, 3, 2, 0];

/** The square around a hand that its mask shows: its middle and side, in pixels of the picture. */
export function cropSquare(points: readonly Point[]): { middle: Point; side: number } {
  const xs = points.map(([x]) => Math.fround(x));
  const ys = points.map(([, y]) => Math.fround(y));
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const extent = Math.max(Math.fround(right - left), Math.fround(bottom - top));
  return {
    middle: [Math.fround(Math.fround(left + right) / 2), Math.fround(Math.fround(top + bottom) / 2)],
    side: Math.max(extent, 1e-6) / (1 - 2 * MARGIN),
  };
}

/** Draw a hand: 21 landmarks in pixels of the picture become MASK_SIZE x MASK_SIZE RGB pixels, row by row. */
export function renderMask(points: readonly Point[]): Uint8Array<ArrayBuffer> {
  return drawPlaced(placeInMask(points));
}

/** Where in its mask a hand's 21 landmarks lie, as shares of the mask's side from its left and upper edge. */
export function placeInMask(points: readonly Point[]): Point[] {
  if (points.length !== 21 || !points.every(([x, y]) => Number.isFinite(x) && Number.isFinite(y))) {
    throw new RangeError("a hand has 21 finite landmarks");
  }
  const { middle, side } = cropSquare(points);
  return points.map(([x, y]): Point => [share(x, middle[0], side), share(y, middle[1], side)]);
}

/** Draw landmarks where they lie in the mask, as `placeInMask` returns them; see `renderMask`. */
export function drawPlaced(points: readonly Point[]): Uint8Array<ArrayBuffer> {
  const placed = points.map(([x, y]): Point => [toPixels(x), toPixels(y)]);
  const mask = new Uint8Array(MASK_SIZE * MASK_SIZE * 3);
  PALM.forEach((point, index) => {
    drawBone(mask, placed[point], placed[PALM[(index + 1) % PALM.length]], PALM_COLOUR);
  });
  FINGERS.forEach((finger, number) => {
    SHADES.forEach((shade, bone) => {
      const [red, green, blue] = FINGER_COLOURS[number];
      const colour: Colour = [Math.trunc(shade * red), Math.trunc(shade * green), Math.trunc(shade * blue)];
      drawBone(mask, placed[finger[bone]], placed[finger[bone + 1]], colour);
    });
  });
  return mask;
}

/** Where a coordinate lies in the mask, as a share of its side. */
function share(value: number, middle: number, side: number): number {
  // In the single precision of the landmarks, as NumPy does it.
  return Math.fround(Math.fround(Math.fround(value) - middle) * Math.fround(1 / side)) + 0.5;
}

function toPixels(share: number): number {
  return roundHalfEven((share * MASK_SIZE - 0.5) * SUBPIXELS) / SUBPIXELS;
}

function drawBone(mask: Uint8Array, from: Point, to: Point, colour: Colour): void {
  const [dx, dy] = [from[0] - to[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  if (length > 0) {
    const [aside, along] = [(dy * RADIUS) / length, (dx * RADIUS) / length];
    fillQuadrangle(mask, colour, [
      [from[0] + aside, from[1] + along],
      [from[0] - aside, from[1] - along],
      [to[0] - aside, to[1] - along],
      [to[0] + aside, to[1] + along],
    ]);
  }
  for (const end of [from, to]) {
    const [x, y] = [Math.floor(end[0] + 0.5), Math.floor(end[1] + 0.5)];
    for (let row = -RADIUS; row <= RADIUS; row++) {
      const half = DISC[Math.abs(row)];
      drawRow(mask, y + row, x - half, x + half, colour);
    }
  }
}

/** Fill a convex quadrangle and step along its edges, a pixel at a time. */
function fillQuadrangle(mask: Uint8Array, colour: Colour, corners: readonly Point[]): void {
  const nearest = (value: number) => Math.floor(value + 0.5);
  const spans = new Map<number, [number, number]>();
  corners.forEach((corner, index) => {
    const next = corners[(index + 1) % corners.length];
    stepAlong(corner, next, (x, y) => drawRow(mask, y, x, x, colour));
    const [upper, lower] = corner[1] <= next[1] ? [corner, next] : [next, corner];
    const [first, last] = [nearest(upper[1]), nearest(lower[1])];
    for (let y = first; y < last; y++) {
      const x = upper[0] + ((lower[0] - upper[0]) * (y - first)) / (last - first);
      const span = spans.get(y);
      spans.set(y, span ? [Math.min(span[0], x), Math.max(span[1], x)] : [x, x]);
    }
  });
  spans.forEach(([left, right], y) => drawRow(mask, y, nearest(left), nearest(right), colour));
}

/** Visit the pixels of a line, one for each step along its longer direction. */
function stepAlong(from: Point, to: Point, visit: (x: number, y: number) => void): void {
  const steep = Math.abs(to[1] - from[1]) >= Math.abs(to[0] - from[0]);
  const axis = steep ? 1 : 0;
  const [begin, end] = from[axis] <= to[axis] ? [from, to] : [to, from];
  const span = end[axis] - begin[axis];
  const slope = span > 0 ? (end[1 - axis] - begin[1 - axis]) / span : 0;
  for (let step = 0; step <= Math.floor(span); step++) {
    const along = Math.floor(begin[axis] + 0.5) + step;
    const across = Math.floor(begin[1 - axis] + step * slope + 0.5);
    visit(steep ? across : along, steep ? along : across);
  }
  visit(Math.floor(end[0] + 0.5), Math.floor(end[1] + 0.5));
}

function drawRow(mask: Uint8Array, y: number, from: number, to: number, [red, green, blue]: Colour): void {
  if (y < 0 || y >= MASK_SIZE) return;
  const end = Math.min(to, MASK_SIZE - 1);
  for (let x = Math.max(from, 0); x <= end; x++) {
    const at = (y * MASK_SIZE + x) * 3;
    mask[at] = red;
    mask[at + 1] = green;
    mask[at + 2] = blue;
  }
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
