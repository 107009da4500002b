"""How each letter is signed with the right hand, seen from in front: rendered pictures and their landmarks.

`make render-film` makes both.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

COLUMNS: Final = 6
"""Pictures in a row of `letters.webp`."""


@cache
def letter_shapes() -> dict[str, npt.NDArray[np.float32]]:
    """Read the landmarks that MediaPipe finds in the pictures.

    Returns:
        (21, 3) points for each letter, x to the right and y down in an unmirrored picture, in palm lengths, the middle
        of the hand's box at 0.
    """
    shapes = json.loads(resources.files("client").joinpath("letters.json").read_text(encoding="utf-8"))
    return {letter: np.array(points, dtype=np.float32) for letter, points in shapes.items()}


@cache
def letter_pictures() -> dict[str, npt.NDArray[np.uint8]]:
    """Read the pictures: square, (S, S, 3) uint8 RGB for each letter, unmirrored."""
    content = np.frombuffer(resources.files("client").joinpath("letters.webp").read_bytes(), dtype=np.uint8)
    sheet = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
    side = sheet.shape[1] // COLUMNS
    places = ((number // COLUMNS * side, number % COLUMNS * side) for number in range(len(letter_shapes())))
    return {
        letter: sheet[top : top + side, left : left + side]
        for letter, (top, left) in zip(letter_shapes(), places, strict=True)
    }
