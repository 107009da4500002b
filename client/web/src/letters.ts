/**
 * How each letter is signed, seen from in front: rendered pictures of a right hand, six in a row of one sheet. J and Z are
 * drawn in the air: their pictures are those of I and D, and the way of a fingertip.
 */

import address from "../../letters.webp";
import { FINGER_COLOURS, type Point } from "./mask";

export const ALPHABET = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
/** Letters that are drawn in the air. */
export const MOVING_LETTERS = ["J", "Z"];
/** Letters that are held still, in the order of the sheet. */
export const STILL_LETTERS = ALPHABET.filter((letter) => !MOVING_LETTERS.includes(letter));
const COLUMNS = 6;
type Square = readonly [left: number, top: number, side: number];
/** What of a picture shows the hand, in shares of its side: fists are drawn larger, so that their thumbs are seen. */
const HAND: Square = [0.13, 0.07, 0.77];
const FIST: Square = [0.17, 0.17, 0.59];
const HANDS: Readonly<Record<string, Square>> = {
  A: FIST, E: FIST, M: FIST, N: FIST, S: FIST, T: FIST, H: [0.09, 0.09, 0.82], J: [0, 0, 1], Z: [0, 0, 1],
}; // prettier-ignore

interface Drawn {
  /** The letter whose picture shows the hand. */
  hand: string;
  /** Colour of the finger that draws, as in the mask. */
  colour: string;
  /** Where its tip goes, in shares of the side of the picture as in a mirror. */
  path: readonly Point[];
}

const DRAWN: Readonly<Record<string, Drawn>> = {
  J: {
    hand: "I",
    colour: `rgb(${FINGER_COLOURS[3].join(" ")})`,
    path: [
      [0.8, 0.22], [0.8, 0.6], [0.79, 0.7], [0.76, 0.78], [0.7, 0.84], [0.63, 0.86], [0.56, 0.85], [0.5, 0.8], [0.45, 0.72],
    ],
  },
  Z: {
    hand: "D",
    colour: `rgb(${FINGER_COLOURS[0].join(" ")})`,
    path: [[0.38, 0.16], [0.84, 0.16], [0.4, 0.62], [0.84, 0.62]],
  },
}; // prettier-ignore
const OUTLINE = "rgb(20 20 24)";
/** Widths of outline and path, and the length of the arrow head's sides, as shares of the picture's side. */
const WIDTHS = [0.05, 0.024];
const ARROW_HEAD = 0.09;
let sheet: Promise<HTMLImageElement> | null = null;

async function load(): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

/** Draw how a letter is signed: with the right hand as in a mirror, or else as the sheet shows it, from in front. */
export async function drawLetter(canvas: HTMLCanvasElement, letter: string, mirrored = true): Promise<void> {
  const drawn = DRAWN[letter];
  const number = STILL_LETTERS.indexOf(drawn?.hand ?? letter);
  const context = canvas.getContext("2d");
  if (number < 0 || !context) return;
  canvas.dataset.letter = letter;
  const image = await (sheet ??= load());
  if (canvas.dataset.letter !== letter) return; // another one was asked for meanwhile
  const side = image.width / COLUMNS;
  const [left, top] = [(number % COLUMNS) * side, Math.floor(number / COLUMNS) * side];
  const [x, y, part] = HANDS[letter] ?? HAND;
  if (mirrored) context.setTransform(-1, 0, 0, 1, canvas.width, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(
    image, left + x * side, top + y * side, part * side, part * side, 0, 0, canvas.width, canvas.height,
  ); // prettier-ignore
  context.resetTransform();
  const place = ([x, y]: Point): Point => [(mirrored ? x : 1 - x) * canvas.width, y * canvas.height];
  if (drawn) drawPath(context, drawn.path.map(place), drawn.colour);
}

/** Draw a path in pixels, with a dot at its start and an arrow head at its end. */
function drawPath(context: CanvasRenderingContext2D, path: readonly Point[], colour: string): void {
  const side = context.canvas.width;
  const [[fromX, fromY], [toX, toY]] = path.slice(-2);
  const back = Math.atan2(fromY - toY, fromX - toX);
  const barb = (turn: number): Point => {
    return [toX + ARROW_HEAD * side * Math.cos(back + turn), toY + ARROW_HEAD * side * Math.sin(back + turn)];
  };
  const lines = [path, [barb(Math.PI / 4), [toX, toY], barb(-Math.PI / 4)]] as const;
  context.lineCap = context.lineJoin = "round";
  [OUTLINE, colour].forEach((ink, number) => {
    context.strokeStyle = context.fillStyle = ink;
    context.lineWidth = WIDTHS[number] * side;
    context.beginPath();
    for (const line of lines) line.forEach(([x, y], at) => context[at ? "lineTo" : "moveTo"](x, y));
    context.stroke();
    context.beginPath();
    context.arc(path[0][0], path[0][1], 1.2 * context.lineWidth, 0, 2 * Math.PI);
    context.fill();
  });
}
