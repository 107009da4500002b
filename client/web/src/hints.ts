import { cropSquare, type Point } from "./mask";

/** A landmark this close to the picture's edge, as a share of its side, may be cut off. */
const NEAR_EDGE = 0.01;
/** A hand smaller than this share of the picture's height has too few pixels. */
const SMALL = 0.15;
/** Mean brightness, 0 to 255, below which hands are missed. */
const DIM = 40;

/** The one thing that would help most to be recognised; "" if all is well. */
export function findHint(points: readonly Point[] | null, width: number, height: number, brightness: number): string {
  const dark = brightness < DIM ? "Too dark: turn on a light" : "";
  if (!points) return dark || "Show one hand to the camera";
  const off = ([x, y]: Point) => Math.min(x / width, y / height, 1 - x / width, 1 - y / height) < NEAR_EDGE;
  if (points.some(off)) return "Move your hand into the picture";
  return cropSquare(points).side < SMALL * height ? "Move closer" : dark;
}
