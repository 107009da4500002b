"""Write `client/letters.json`: each letter as in a mirror, for the client's chart and demonstration.

Usage: python -m stages.commands.letter_shapes
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Final

import numpy as np

from stages.errors import run_door
from stages.files import write_text
from stages.hand.handshapes import read_handshapes
from stages.hand.kinematics import FINGER_BONES, FINGER_MCPS, THUMB_BONES, THUMB_CMC, pose_hand, project, rotate

LETTERS: Final = Path("client/letters.json")
DISTANCE: Final = 8.0
"""Distance of the camera, in palm lengths."""


def main() -> None:
    """Pose the most common handshape of each letter, without a signer's habits."""
    ArgumentParser(prog="python -m stages.commands.letter_shapes", description=main.__doc__).parse_args()
    shapes = letter_shapes()
    write_text(LETTERS, as_json(shapes))
    sys.stdout.write(f"{LETTERS}: {len(shapes)} letters\n")


def letter_shapes() -> dict[str, list[list[float]]]:
    """Pose every letter.

    Returns:
        21 points of a right hand for each letter, x to the right and y down in an unmirrored picture, z away from the
        camera; in palm lengths, the middle of the hand's box at 0.
    """
    table = read_handshapes()
    rows = [
        max(np.flatnonzero(table.letters == letter), key=lambda row: table.weights[row]) for letter in table.alphabet
    ]
    poses = table.take(np.array(rows))
    count = len(rows)
    points = pose_hand(
        poses.flexion, poses.abduction, poses.thumb_tip, poses.thumb_mcp,
        np.tile([THUMB_BONES, *FINGER_BONES], (count, 1, 1)), np.tile([THUMB_CMC, *FINGER_MCPS], (count, 1, 1)),
    )  # fmt: skip
    seen = project(rotate(points, *poses.orientation.T), np.full(count, DISTANCE))
    seen[..., :2] -= (seen[..., :2].min(axis=1, keepdims=True) + seen[..., :2].max(axis=1, keepdims=True)) / 2.0
    return {str(letter): np.round(hand, 3).tolist() for letter, hand in zip(poses.letters, seen, strict=True)}


def as_json(shapes: dict[str, list[list[float]]]) -> str:
    """Write a letter a line."""
    lines = [f'  "{letter}": {json.dumps(hand, separators=(",", ":"))}' for letter, hand in shapes.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    run_door(main)
