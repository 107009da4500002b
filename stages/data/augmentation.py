"""Augmentation before drawing: hands are rotated in space, mirrored and jittered as landmarks, then rendered.

Seed text, section 4.2 (flipping, scaling, translation), done while a rotation out of the plane is still possible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from stages.params import Augment


def augment_landmarks(
    landmarks: npt.NDArray[np.float32], augment: Augment, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Change N hands at random, each differently.

    Args:
        landmarks: (N, 21, 3) pixels; z on x's scale.
        augment: how far.
        rng: source of randomness.

    Returns:
        (N, 21, 3) float32, centred on 0 with an extent of about 1: the renderer crops to the hand, so its place and
        size in the photograph do not show in the mask anyway.
    """
    count = len(landmarks)
    low, high = landmarks.min(axis=1, keepdims=True), landmarks.max(axis=1, keepdims=True)
    extent = np.maximum((high - low)[..., :2].max(axis=2, keepdims=True), 1e-6)
    hands = (landmarks - (low + high) / 2.0) / extent
    about_x, about_y = np.radians(augment.tilt) * rng.standard_normal((2, count))
    about_z = np.radians(augment.roll) * rng.standard_normal(count)
    for first, second, angle in ((1, 2, about_x), (2, 0, about_y), (0, 1, about_z)):
        cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
        a, b = hands[..., first].copy(), hands[..., second].copy()
        hands[..., first], hands[..., second] = cosine * a - sine * b, sine * a + cosine * b
    # Anatomies differ, and published coordinates often lack the aspect ratio of their photograph.
    hands[..., 0] *= np.exp(augment.stretch * rng.standard_normal(count))[:, None]
    hands += augment.jitter * rng.standard_normal(hands.shape)
    hands[..., 0] *= np.where(rng.random(count) < augment.mirror, -1.0, 1.0)[:, None]
    return np.asarray(hands, dtype=np.float32)


def draw_crops(
    count: int, augment: Augment, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Draw N changes of size (N,) and place (N, 2) of the hand in its mask, as shares of 1."""
    return np.exp(augment.scale * rng.standard_normal(count)), augment.shift * rng.standard_normal((count, 2))


def augment_masks(
    masks: npt.NDArray[np.uint8], augment: Augment, rng: np.random.Generator, size: int
) -> npt.NDArray[np.uint8]:
    """Change N ready-made masks at random: the part of augmentation that needs no landmarks.

    Args:
        masks: (N, S, S, 3) uint8 RGB.
        augment: how far; `tilt` and `jitter` need landmarks and do nothing here.
        rng: source of randomness.
        size: side of the masks returned, in pixels.
    """
    count, side = len(masks), masks.shape[1]
    angles = augment.roll * rng.standard_normal(count)
    zooms, shifts = draw_crops(count, augment, rng)
    mirrored = rng.random(count) < augment.mirror
    changed = np.empty((count, size, size, 3), dtype=np.uint8)
    for index, mask in enumerate(masks):
        turn: npt.NDArray[np.float64] = np.asarray(
            cv2.getRotationMatrix2D((side / 2.0, side / 2.0), float(angles[index]), float(zooms[index]))
        )
        turn[:, 2] += shifts[index] * side
        turned = cv2.warpAffine(mask[:, ::-1] if mirrored[index] else mask, turn, (side, side))
        changed[index] = cv2.resize(turned, (size, size), interpolation=cv2.INTER_AREA)
    return changed
