"""Render photographs of a hand mesh, find the hands in them and keep what was found in `pretrained/`.

Usage: python -m stages.commands.render [--signers N] [--landmarks FILE.npz] [--photographs FILE.zip]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from stages.errors import InputError, run_door
from stages.files import atomic_write
from stages.labels import NOTHING
from stages.params import Render, changed, read_params
from stages.rendering.contact_sheet import draw_contact_sheet
from stages.rendering.data_set import picture_signers, render
from stages.rendering.kept import LANDMARKS, PHOTOGRAPHS, Order, write_landmarks, write_photographs

if TYPE_CHECKING:
    from stages.rendering.kept import Found

UNFINISHED: Final = Path("data/unfinished/render")
"""Blocks of signers that a run which has not finished has done."""
SHEET: Final = Path("reports/rendering/letters.png")


def main() -> None:
    """Render as params.yaml says; a run that was killed resumes where it stopped."""
    parser = argparse.ArgumentParser(prog="python -m stages.commands.render", description=main.__doc__)
    parser.add_argument("--signers", type=int, help="instead of render.signers")
    parser.add_argument("--landmarks", type=Path, default=LANDMARKS, metavar="FILE.npz", help=f"default: {LANDMARKS}")
    parser.add_argument(
        "--photographs", type=Path, default=PHOTOGRAPHS, metavar="FILE.zip", help=f"default: {PHOTOGRAPHS}"
    )
    arguments = parser.parse_args()
    if (arguments.landmarks.suffix, arguments.photographs.suffix) != (".npz", ".zip"):
        raise InputError("--landmarks must end in .npz and --photographs in .zip. Name such files.")
    params = read_params(Render)
    if arguments.signers is not None:
        params = changed(params, signers=arguments.signers)
    order = Order(params.seed, params.signers, params.samples_per_letter, params.non_letters)
    start = time.perf_counter()
    found = render(order, UNFINISHED)
    seconds = time.perf_counter() - start
    write_landmarks(arguments.landmarks, order, found)
    singly = Order(params.seed, params.signers, samples_per_letter=1, non_letters=1)
    pictured = range(params.signers, params.signers + params.pictured)
    count = write_photographs(arguments.photographs, picture_signers(singly, pictured))
    with atomic_write(SHEET) as partial:
        partial.write_bytes(draw_contact_sheet(singly))
    shutil.rmtree(UNFINISHED, ignore_errors=True)
    sys.stdout.write(
        f"{summarise(found)}\n{len(found.labels) / seconds:.1f} photographs a second\n"
        f"wrote {arguments.landmarks}, {count} photographs to {arguments.photographs}, and {SHEET}\n"
    )


def summarise(found: Found) -> str:
    """Say in how many photographs a hand was found, in all and by letter."""
    letters = found.labels != NOTHING
    shares = [f"{label} {found.hands[found.labels == label].mean():.3f}" for label in np.unique(found.labels).tolist()]
    return (
        f"a hand was found in {found.hands.sum()} of {len(found.labels)} photographs ({found.hands.mean():.3f}), "
        f"in {found.hands[letters].mean():.3f} of those of letters\n" + "  ".join(shares)
    )


if __name__ == "__main__":
    run_door(main)
