"""Write the film of the demonstration, and how each letter looks: what the client shows of a rendered hand.

Usage: python -m stages.commands.render_film (make render-film)
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from client.landmarks import HandLandmarker
from stages.errors import PipelineError, run_door
from stages.files import atomic_write, write_text
from stages.rendering.film import LETTER, RATE, SIZE, Studio, draw_letters, film

if TYPE_CHECKING:
    import numpy.typing as npt

TEXT: Final = "HELLO WORLD"
FILM: Final = Path("client/hello_world.mp4")
LETTERS: Final = Path("client/letters.json")
SHEET: Final = Path("client/letters.webp")
SIDE: Final = 288
"""Width and height in pixels of the picture in which the landmarks of a letter are found."""
COLUMNS, TILE, QUALITY = 6, 220, 88
"""Of the sheet of letters: pictures a row, their width and height in pixels, and WebP's quality."""


def main() -> None:
    """Film a rendered hand that spells HELLO WORLD, and render each letter and find its landmarks."""
    ArgumentParser(prog="python -m stages.commands.render_film", description=main.__doc__).parse_args()
    studio = Studio.open()
    write_film(studio)
    shapes = find_letters(draw_letters(studio, SIDE))
    write_text(LETTERS, as_json(shapes))
    sys.stdout.write(f"{LETTERS}: {len(shapes)} letters\n")
    write_sheet(draw_letters(studio, TILE))


def write_film(studio: Studio) -> None:
    """Write the film in MPEG-4, which OpenCV writes and reads on every system."""
    with TemporaryDirectory() as folder, atomic_write(FILM) as partial:
        written = Path(folder) / FILM.name  # OpenCV knows a film by its name
        writer = cv2.VideoWriter(str(written), cv2.VideoWriter.fourcc(*"mp4v"), RATE, SIZE)
        for picture in film(TEXT, studio):
            writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        writer.release()
        partial.write_bytes(written.read_bytes())
    sys.stdout.write(f"{FILM}: {FILM.stat().st_size / 1024:.0f} KiB\n")


def write_sheet(pictures: dict[str, npt.NDArray[np.uint8]]) -> None:
    """Write the letters' pictures as one, `COLUMNS` a row, sorted by letter."""
    tiles = list(pictures.values())
    sheet = np.vstack([np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)])
    with atomic_write(SHEET) as partial:
        quality = [cv2.IMWRITE_WEBP_QUALITY, QUALITY]
        partial.write_bytes(cv2.imencode(".webp", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), quality)[1].tobytes())
    sys.stdout.write(f"{SHEET}: {SHEET.stat().st_size / 1024:.0f} KiB\n")


def find_letters(pictures: dict[str, npt.NDArray[np.uint8]]) -> dict[str, list[list[float]]]:
    """Find the landmarks of each letter's picture.

    Returns:
        21 points of a right hand for each letter, x to the right and y down in an unmirrored picture, z away from the
        camera; in palm lengths, the middle of the hand's box at 0.

    Raises:
        PipelineError: MediaPipe finds no hand in a picture.
    """
    shapes = {}
    with HandLandmarker("image") as landmarker:
        for letter, picture in pictures.items():
            hand = landmarker.detect(picture)
            if hand is None:
                raise PipelineError(
                    f"MediaPipe finds no hand in the rendered {letter}. Choose another row of the table of handshapes "
                    "for it, in ROWS of stages/rendering/film.py."
                )
            points = hand.landmarks / (LETTER * len(picture))
            points[:, :2] -= (points[:, :2].min(axis=0) + points[:, :2].max(axis=0)) / 2.0
            shapes[letter] = np.round(points.astype(np.float64), 3).tolist()
    return shapes


def as_json(shapes: dict[str, list[list[float]]]) -> str:
    """Write a letter a line."""
    lines = [f'  "{letter}": {json.dumps(hand, separators=(",", ":"))}' for letter, hand in shapes.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    run_door(main)
