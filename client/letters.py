"""How each letter is signed: 21 points of a right hand for each, made by `python -m stages.commands.letter_shapes`."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt


@cache
def letter_shapes() -> dict[str, npt.NDArray[np.float32]]:
    """Read the hands.

    Returns:
        (21, 3) points for each letter, x to the right and y down in an unmirrored picture, in palm lengths, the middle
        of the hand's box at 0.
    """
    shapes = json.loads(resources.files("client").joinpath("letters.json").read_text(encoding="utf-8"))
    return {letter: np.array(points, dtype=np.float32) for letter, points in shapes.items()}
