import { cropSquare, FINGER_COLOURS, FINGERS, MASK_SIZE, PALM, type Point } from "./mask";

/** Draw a hand's bones in the colours of the mask. */
export function drawHand(context: CanvasRenderingContext2D, points: readonly Point[], width: number): void {
  const trace = (chain: readonly number[], close: boolean, colour: string) => {
    context.beginPath();
    chain.forEach((point, index) => context[index ? "lineTo" : "moveTo"](points[point][0], points[point][1]));
    if (close) context.closePath();
    context.strokeStyle = colour;
    context.stroke();
  };
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
  trace(PALM, true, "rgb(128 128 128)");
  FINGERS.forEach((finger, number) => trace(finger, false, `rgb(${FINGER_COLOURS[number].join(" ")})`));
}

/** Draw the square that the mask shows. */
export function drawBox(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  colour: string,
  width: number,
): void {
  const { middle, side } = cropSquare(points);
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.strokeRect(middle[0] - side / 2, middle[1] - side / 2, side, side);
}

/** Draw rings of this radius around landmarks, such as those of a finger that is not where it belongs. */
export function drawRings(context: CanvasRenderingContext2D, points: readonly Point[], landmarks: readonly number[], radius: number): void {
  context.lineWidth = radius / 3;
  for (const [colour, grown] of [["#141418", radius / 4], ["#e69f00", 0]] as const) {
    context.strokeStyle = colour;
    for (const landmark of landmarks) {
      context.beginPath();
      context.arc(points[landmark][0], points[landmark][1], radius + grown, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

/** One picture for all masks: its pixels are copied as soon as it is put on a canvas. */
let image: ImageData | null = null;

/** Show a mask or a trail that is sent, or nothing. */
export function drawMask(context: CanvasRenderingContext2D, mask: Uint8Array | null): void {
  image ??= context.createImageData(MASK_SIZE, MASK_SIZE);
  const { data } = image;
  for (let from = 0, to = 0; to < data.length; from += 3, to += 4) {
    data[to] = mask ? mask[from] : 0;
    data[to + 1] = mask ? mask[from + 1] : 0;
    data[to + 2] = mask ? mask[from + 2] : 0;
    data[to + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
