/** The pose of a hand, estimated from its landmarks by a small network; `scripts/fit_pose.py` makes network and shapes. */

import type { Point } from "../mask";

/** Fingers in the order of a pose. */
export const FINGER_NAMES = ["index", "middle", "ring", "little"] as const;

/**
 * What pose.json holds: the layers of the network, its letters, and how it sees each letter.
 *
 * A pose is 20 numbers: how far index to little finger are bent at the palm and at the middle joint, in right angles; how
 * far each of the first three fingertips lies beside the next one; where the tip of the thumb is (toward the thumb's side,
 * along the fingers, out of the palm); where the fingers of a flat hand would point, and where its palm would face.
 * Lengths are in palm lengths.
 */
export interface PoseModel {
  /** For each layer and output the weights of its inputs, and its bias. */
  layers: readonly (readonly (readonly number[])[])[];
  letters: readonly string[];
  shapes: Readonly<Record<string, readonly (readonly number[])[]>>;
}

export interface Estimate {
  pose: readonly number[];
  /** For each of the model's letters the logarithm of how likely it looks, but for a constant. */
  likeness: readonly number[];
}

/** Numbers of a pose. */
const POSE_SIZE = 20;

/** Estimate the pose of a hand: 21 landmarks in pixels of a picture that is not mirrored. */
export function estimatePose(model: PoseModel, points: readonly Point[], left: boolean): Estimate {
  let values = normalise(points, left);
  model.layers.forEach((layer, number) => {
    const last = number === model.layers.length - 1;
    values = layer.map((weights) => {
      const sum = values.reduce((total, value, index) => total + value * weights[index], weights[values.length]);
      return last ? sum : Math.max(sum, 0);
    });
  });
  return { pose: values.slice(0, POSE_SIZE), likeness: values.slice(POSE_SIZE) };
}

/** As a right hand, around 0, with a mean square distance of 1 from there. */
function normalise(points: readonly Point[], left: boolean): number[] {
  const mean = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
  const centred = points.map(([x, y]) => [(left ? -1 : 1) * (x - mean[0]), y - mean[1]]);
  const size = Math.sqrt(centred.reduce((sum, [x, y]) => sum + x * x + y * y, 0) / points.length) || 1;
  return centred.flat().map((value) => value / size);
}
