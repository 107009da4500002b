"""The scene: skin, nails and sleeves, light, what is behind the hand, and what a webcam makes of it.

Colours are linear RGB from 0 to 1 until `develop` has made a photograph of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from stages.rendering.anatomy import Anatomy, unit
from stages.rendering.mesh import BONES, PHALANGES, HandMesh

Array = npt.NDArray[np.float64]
Picture = npt.NDArray[np.float32]

SKIN: Final = (
    np.array(
        [
            [241, 208, 186], [233, 190, 160], [224, 172, 135], [205, 150, 112], [186, 128, 92],
            [161, 105, 72], [133, 84, 56], [104, 64, 43], [78, 48, 33], [58, 36, 26],
        ]
    )
    / 255.0
)  # fmt: skip
"""Tones from the lightest skin to the darkest, sRGB."""
PALE_PALM: Final = (0.86, 0.66, 0.56)
"""What the palms of dark hands tend to, sRGB."""
FLUSHED: Final = (1.05, 0.86, 0.84)
"""Factors on the colour of fingertips."""
PAINTED_NAILS: Final = 0.15
SLEEVE: Final = 0.5
"""Shares of people."""
GAMMA: Final = 2.2
DARKEST: Final = 0.06
BRIGHTEST: Final = 0.4
"""Range of a hand's mean brightness, linear, within which a webcam's own exposure keeps it."""


@dataclass(frozen=True)
class Look:
    """What a hand's surface looks like: colours (V, 3), and shine (V,), the strength of the highlight."""

    colours: Array
    shine: Array


@dataclass(frozen=True)
class Lighting:
    """Lamps (L, 7) as the rasteriser has them, ambient light (3,), and how skin scatters: wrap and gloss."""

    lamps: Array
    ambient: Array
    wrap: float
    gloss: float


def draw_look(mesh: HandMesh, average: Anatomy, rng: np.random.Generator) -> Look:
    """Draw skin, palm, nails and, for some, a sleeve."""
    tone = rng.uniform(0.0, len(SKIN) - 1.001)
    skin = SKIN[int(tone)] * (1 - tone % 1) + SKIN[int(tone) + 1] * (tone % 1)
    skin = _linear(np.clip(skin * np.exp(rng.normal(scale=0.05, size=3)), 0, 1))
    dark = tone / (len(SKIN) - 1)
    palm = skin * (1 - 0.55 * dark) + _linear(PALE_PALM) * 0.55 * dark
    palm = palm * np.exp(rng.normal(scale=0.05))
    of_palm = np.clip(average.normals[:, 2] * 1.5 + 0.3, 0, 1)
    colours = skin + (palm - skin) * of_palm[:, None]
    tips = [len(BONES) + number for number, name in enumerate(PHALANGES) if name.endswith("-3")]
    flush = mesh.weights[:, tips].max(axis=1) * rng.uniform()
    colours *= 1 + (np.array(FLUSHED) - 1) * flush[:, None]
    colours *= np.exp(rng.normal(scale=0.03, size=(len(colours), 1)))
    if rng.random() < PAINTED_NAILS:
        nail, gleam = _linear(rng.uniform(0.1, 1, 3)), 0.35
    else:
        nail, gleam = palm * np.array([1.15, 1.0, 1.0]) + 0.06, rng.uniform(0.05, 0.2)
    share = mesh.nails[:, None] * rng.uniform(0.4, 1)
    colours = colours * (1 - share) + nail * share
    shine = rng.uniform(0, 0.12) + mesh.nails * gleam
    if rng.random() < SLEEVE:
        # Palm lengths below the wrist.
        covered = -average.vertices[:, 1] > rng.uniform(0.15, 1.5)
        cloth = _linear(rng.uniform(0.02, 0.95, 3) if rng.random() < 0.6 else np.full(3, rng.uniform(0.02, 0.9)))
        colours, shine = np.where(covered[:, None], cloth, colours), np.where(covered, 0.0, shine)
    return Look(colours, shine)


def draw_lighting(rng: np.random.Generator) -> Lighting:
    """Draw two to four lamps, mostly in front and the first one from above; the first casts shadows."""
    warmth = np.exp(rng.normal(scale=0.08) * np.array([1, 0, -1]))
    lamps = []
    for number in range(rng.integers(2, 5)):
        direction = rng.normal(size=3)
        if rng.random() < 0.85:
            direction[2] = abs(direction[2]) + 0.25
        direction[1] += 0.35 * (number == 0)
        strength = rng.uniform(0.45, 1.1) if number == 0 else rng.uniform(0.1, 0.45)
        lamps.append([*unit(direction), *(warmth * strength), float(number == 0)])
    ambient = rng.uniform(0.1, 0.45) * np.exp(rng.normal(scale=0.05, size=3))
    return Lighting(np.array(lamps), ambient, wrap=float(rng.uniform(0.1, 0.4)), gloss=float(rng.uniform(8, 40)))


def draw_background(size: tuple[int, int], rng: np.random.Generator) -> Picture:
    """Draw a wall with large blotches and some furniture, out of focus: (H, W, 3) sRGB."""
    width, height = size
    wall = rng.uniform(0, 1, 3) ** 1.2
    if rng.random() < 0.75:
        wall = rng.uniform(0.05, 1) + rng.normal(scale=0.04, size=3)
    picture = np.ones((height, width, 3), np.float32) * wall.astype(np.float32)
    if rng.random() < 0.85:
        for cells in (2, 3, 5, 9):
            if rng.random() < 0.6:
                channels = 1 if rng.random() < 0.6 else 3
                blotches = rng.normal(scale=rng.uniform(0.02, 0.15), size=(cells, cells, channels)).astype(np.float32)
                enlarged = cv2.resize(blotches, size, interpolation=cv2.INTER_CUBIC)
                picture += enlarged.reshape(height, width, channels)
    if rng.random() < 0.65:
        for _ in range(rng.integers(1, 9)):
            _furnish(picture, wall, rng)
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 6)).astype(np.float32)
    return np.clip(picture, 0, 1)


def _furnish(picture: Picture, wall: Array, rng: np.random.Generator) -> None:
    """Add a box or something round."""
    height, width = picture.shape[:2]
    colour = rng.uniform(0, 1, 3) if rng.random() < 0.25 else np.clip(wall + rng.normal(scale=0.2, size=3), 0, 1)
    middle = (float(rng.integers(0, width)), float(rng.integers(0, height)))
    sides = rng.uniform(0.05, 0.6, 2) * width
    if rng.random() < 0.65:
        angle = float(rng.choice([0.0, 90.0, rng.uniform(0, 180)]))
        corners = cv2.boxPoints((middle, (float(sides[0]), float(sides[1])), angle))
        cv2.fillConvexPoly(picture, corners.astype(np.int32), colour.tolist())
    else:
        axes = (int(sides[0] // 2) + 1, int(sides[1] // 2) + 1)
        cv2.ellipse(
            picture, (int(middle[0]), int(middle[1])), axes, float(rng.uniform(0, 180)), 0, 360, colour.tolist(), -1
        )


def develop(
    hand: Picture, cover: npt.NDArray[np.float32], background: Picture, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Put a rendered hand before its background as a webcam would: exposure, blur, contrast, noise, compression.

    Args:
        hand: (H', W', 3) linear RGB, perhaps larger than the photograph.
        cover: (H', W'), 1 where the hand is.
        background: (H, W, 3) sRGB.
        rng: source of randomness.

    Returns:
        (H, W, 3) uint8 sRGB.
    """
    size = background.shape[1::-1]
    brightness = float(hand[cover > 0].mean())
    exposure = np.clip(1.0, DARKEST / brightness, BRIGHTEST / brightness) * rng.uniform(0.8, 1.25)
    hand = np.clip(hand * np.float32(exposure), 0, 1) ** np.float32(1 / GAMMA)
    picture = cv2.resize(hand, size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(cover, size, interpolation=cv2.INTER_AREA)[..., None]
    picture = picture + background * (1 - share)
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.4))
    picture = (picture - 0.5) * rng.uniform(0.75, 1.15) + 0.5 + rng.uniform(-0.1, 0.1)
    if rng.random() < 0.7:
        noise = rng.standard_normal(picture.shape, dtype=np.float32)
        picture = picture + noise * np.float32(rng.uniform(0.002, 0.025))
    photograph = (np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.4:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))]
        photograph = cv2.imdecode(cv2.imencode(".jpg", photograph, quality)[1], cv2.IMREAD_COLOR).astype(np.uint8)
    return photograph


def _linear(colour: npt.ArrayLike) -> Array:
    return np.asarray(colour) ** GAMMA
