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

from client.mask import FINGER_COLOURS

COLUMNS: Final = 6
"""Pictures in a row of `letters.webp`."""
MOVING_LETTERS: Final = ("J", "Z")
"""Letters that are drawn in the air."""
_HANDSHAPES: Final = {"J": "I", "Z": "D"}
"""Whose pictures show the hand that draws a letter."""
_COLOURS: Final = {"J": FINGER_COLOURS[3], "Z": FINGER_COLOURS[0]}
"""Colour of the finger that draws, as in the mask."""
_STROKES: Final = {
    "J": (
        (0.20, 0.22), (0.20, 0.60), (0.21, 0.70), (0.24, 0.78), (0.30, 0.84), (0.37, 0.86), (0.44, 0.85), (0.50, 0.80),
        (0.55, 0.72),
    ),
    "Z": ((0.62, 0.16), (0.16, 0.16), (0.60, 0.62), (0.16, 0.62)),
}  # fmt: skip
"""Where the fingertip goes, in shares of the unmirrored picture's side."""
_OUTLINE: Final = (20, 20, 24)
_ARROW_HEAD: Final = 0.09
"""Length of its sides, as a share of the picture's side."""


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


@cache
def chart_pictures() -> dict[str, npt.NDArray[np.uint8]]:
    """Make the pictures of all letters in their order: those of `letter_pictures`, and J and Z with their paths."""
    pictures = dict(letter_pictures())
    for letter in MOVING_LETTERS:
        pictures[letter] = pictures[_HANDSHAPES[letter]].copy()
        _draw_path(
            pictures[letter], np.array(_STROKES[letter], dtype=np.float64) * len(pictures[letter]), _COLOURS[letter]
        )
    return {letter: pictures[letter] for letter in sorted(pictures)}


def _draw_path(picture: npt.NDArray[np.uint8], path: npt.NDArray[np.float64], colour: tuple[int, int, int]) -> None:
    """Draw a path (N, 2) in pixels, with a dot at its start and an arrow head at its end."""
    side = len(picture)
    back = (path[-2] - path[-1]) / np.linalg.norm(path[-2] - path[-1]) * _ARROW_HEAD * side
    turn = np.array([[1.0, 1.0], [-1.0, 1.0]]) * np.sqrt(0.5)  # by 45 degrees
    head = np.array([path[-1] + turn @ back, path[-1], path[-1] + turn.T @ back])
    lines = [np.round(line * 16).astype(np.int32) for line in (path, head)]
    start = lines[0][0].tolist()
    for ink, width in ((_OUTLINE, 0.05), (colour, 0.024)):
        thickness = max(1, round(width * side))
        cv2.polylines(picture, lines, False, ink, thickness, cv2.LINE_AA, 4)
        cv2.circle(picture, start, round(1.2 * thickness * 16), ink, cv2.FILLED, cv2.LINE_AA, 4)
