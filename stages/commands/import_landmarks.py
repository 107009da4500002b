"""Import a table of hand landmarks (CSV) as many projects and data sets have it: it becomes a raw data set.

Usage: python -m stages.commands.import_landmarks FILE.csv [--out OUT.npz] [--signer NAME] [--size WIDTHxHEIGHT]
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from stages.data.landmark_csv import ASSUMED_SIZE, LandmarkTable, read_table, summarise
from stages.data.raw import check_target, write_raw
from stages.errors import InputError, run_door

FOLDER: Final = Path("data/own")
EPILOG: Final = """\
Each line is a hand: its letter, and x and y, or x, y and z, of MediaPipe's 21 landmarks. The first line may name the
columns (label, x0, y0, z0 ...); others are not read. A line without numbers counts as tried (n_photos). Numbers may be
pixels, shares of the picture (0 to 1), or relative to the wrist.
"""


def main() -> None:
    """Read the table, write the `.npz` and print how it was read."""
    parser = ArgumentParser(
        prog="python -m stages.commands.import_landmarks",
        description="A table of landmarks to a raw data set.",
        epilog=EPILOG,
    )
    parser.add_argument("file", type=Path, metavar="FILE.csv", help="columns separated by commas, semicolons or tabs")
    parser.add_argument("--out", type=Path, metavar="OUT.npz", help=f"default: {FOLDER}/, named like FILE")
    parser.add_argument(
        "--label", metavar="COLUMN", help="column of the letters, if it is not found: name, first, last"
    )
    parser.add_argument(
        "--letters", default="", metavar="ABC", help="the letters of 0, 1, 2 ..., if labels are numbers"
    )
    parser.add_argument("--size", type=_size, metavar="WxH", help="of the pictures, for shares, such as 640x480")
    parser.add_argument("--signer", metavar="NAME", help="who signed, if no column says it")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT.npz if it exists")
    arguments = parser.parse_args()
    out = arguments.out or FOLDER / f"{arguments.file.stem}.npz"
    check_target(out, overwrite=arguments.overwrite)
    letters = arguments.letters.split(",") if "," in arguments.letters else list(arguments.letters)
    table = read_table(arguments.file, label=arguments.label, letters=letters, size=arguments.size)
    if arguments.signer and table.columns.signer is not None:
        raise InputError(
            f"{arguments.file}: its column '{table.columns.names[table.columns.signer]}' names the signers, and "
            f"--signer {arguments.signer} names another. Leave --signer out."
        )
    if arguments.signer:
        table = replace(table, signers=np.full(len(table.labels), arguments.signer.strip()))
    _write(out, table, arguments.size)
    sys.stdout.write(summarise(table) + _say_size(table, arguments.size) + f"wrote {out}\n")


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if match is None:
        raise ArgumentTypeError(f"{text!a} is no size: width x height in pixels, such as 640x480")
    return int(match[1]), int(match[2])


def _say_size(table: LandmarkTable, size: tuple[int, int] | None) -> str:
    if table.unit == "pixels" or size is not None:
        return ""
    return (
        "note: nothing says how large the pictures were, so they are taken for squares. If they were 640 pixels wide "
        "and 480 high, say --size 640x480 --overwrite\n"
    )


def _write(out: Path, table: LandmarkTable, size: tuple[int, int] | None) -> None:
    if table.unit != "pixels":
        size = size or ASSUMED_SIZE
    write_raw(
        out,
        labels=table.labels,
        signers=table.signers,
        landmarks=table.landmarks,
        image_size=None if size is None else np.tile(np.array(size, dtype=np.int64), (len(table.labels), 1)),
        n_photos=len(table.labels) + table.missed,
    )


if __name__ == "__main__":
    run_door(main)
