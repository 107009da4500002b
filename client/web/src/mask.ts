/**
 * The mask, the 21 hand landmarks drawn on black, and the trail, the paths of three of them: all of a hand that leaves
 * the signer's machine.
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
const MCPS = [5, 9, 17] as const;

export const TRAIL_VERSION = "trail-1";
/** How far a trail goes back. */
export const TRAIL_SECONDS = 1.5;
/** Wrist and the tips of little and index finger, in the order of drawing. */
export const TRAIL_POINTS = [0, 20, 8] as const;
const TRAIL_COLOURS: readonly Colour[] = [PALM_COLOUR, FINGER_COLOURS[3], FINGER_COLOURS[0]];
/** Palm lengths that a trail's side is at least. */
const TRAIL_SIDE = 4.5;
/** Brightness of a path at its oldest. */
const TRAIL_FADED = 0.25;

/** The square around a hand that its mask shows: its middle and side, in pixels of the picture. */
export function cropSquare(points: readonly Point[]): { middle: Point; side: number } {
  const [x, y] = spanOf(points);
  return { middle: [x.middle, y.middle], side: Math.max(x.length, y.length, 1e-6) / (1 - 2 * MARGIN) };
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
      drawBone(mask, placed[finger[bone]], placed[finger[bone + 1]], darken(FINGER_COLOURS[number], shade));
    });
  });
  return mask;
}

/** The longest of the ways from a hand's wrist to three MCPs, in pixels. */
export function palmLength(points: readonly Point[]): number {
  const [wristX, wristY] = points[0].map(Math.fround);
  const ways = MCPS.map((mcp) => {
    const [dx, dy] = [Math.fround(Math.fround(points[mcp][0]) - wristX), Math.fround(Math.fround(points[mcp][1]) - wristY)];
    return Math.fround(Math.sqrt(Math.fround(Math.fround(dx * dx) + Math.fround(dy * dy))));
  });
  return Math.max(...ways);
}

/**
 * Where in their trail paths lie, as shares of its side from its left and upper edge.
 *
 * `paths` has for each frame, oldest first, where TRAIL_POINTS were, in pixels of the picture; `palm` is the hand's palm
 * length in pixels, the median over these frames.
 */
export function placeInTrail(paths: readonly (readonly Point[])[], palm: number): Point[][] {
  const [x, y] = spanOf(paths.flat());
  const side = Math.max(Math.max(x.length, y.length) / (1 - 2 * MARGIN), TRAIL_SIDE * palm, 1e-6);
  const place = (value: number, middle: number) => Math.fround(share(value, middle, side)); // single precision throughout
  return paths.map((points) => points.map((point): Point => [place(point[0], x.middle), place(point[1], y.middle)]));
}

/**
 * Draw paths on black, one colour for each point, brighter towards now.
 *
 * `placed` are at least two frames as `placeInTrail` returns them, `times` theirs in seconds, ascending; the last one is
 * now. Becomes MASK_SIZE x MASK_SIZE RGB pixels, row by row.
 */
export function drawTrail(placed: readonly (readonly Point[])[], times: readonly number[]): Uint8Array<ArrayBuffer> {
  const trail = new Uint8Array(MASK_SIZE * MASK_SIZE * 3);
  const now = times[times.length - 1];
  const toPixel = (share: number) => {
    const pixel = Math.fround(Math.fround(Math.fround(share * MASK_SIZE) - 0.5) * SUBPIXELS);
    return roundHalfEven(pixel) / SUBPIXELS;
  };
  const pixels = placed.map((points) => points.map(([x, y]): Point => [toPixel(x), toPixel(y)]));
  TRAIL_COLOURS.forEach((colour, point) => {
    for (let frame = 1; frame < pixels.length; frame++) {
      const shade = 1 - (1 - TRAIL_FADED) * Math.min((now - times[frame]) / TRAIL_SECONDS, 1);
      drawBone(trail, pixels[frame - 1][point], pixels[frame][point], darken(colour, shade));
    }
  });
  return trail;
}

/** Middle and length of what points span in x and in y, in single precision. */
function spanOf(points: readonly Point[]): { middle: number; length: number }[] {
  return [0, 1].map((axis) => {
    const values = points.map((point) => Math.fround(point[axis]));
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return { middle: Math.fround(Math.fround(low + high) / 2), length: Math.fround(high - low) };
  });
}

function darken([red, green, blue]: Colour, shade: number): Colour {
  return [Math.trunc(shade * red), Math.trunc(shade * green), Math.trunc(shade * blue)];
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
