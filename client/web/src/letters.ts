/** How each letter is signed with the right hand, seen from in front: rendered pictures, six in a row of one sheet. */

import address from "../../letters.webp";

export const ALPHABET = [..."ABCDEFGHIKLMNOPQRSTUVWXY"];
const COLUMNS = 6;
let sheet: Promise<HTMLImageElement> | null = null;

async function load(): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

/** Draw how a letter is signed, as in a mirror. */
export async function drawLetter(canvas: HTMLCanvasElement, letter: string): Promise<void> {
  const number = ALPHABET.indexOf(letter);
  const context = canvas.getContext("2d");
  if (number < 0 || !context) return;
  const image = await (sheet ??= load());
  const side = image.width / COLUMNS;
  const [left, top] = [(number % COLUMNS) * side, Math.floor(number / COLUMNS) * side];
  context.setTransform(-1, 0, 0, 1, canvas.width, 0);
  context.drawImage(image, left, top, side, side, 0, 0, canvas.width, canvas.height);
}
