"""Import photographs: a folder for each letter, or for each signer and letter, becomes a raw data set of landmarks.

Usage: python -m stages.commands.import_photos FOLDER OUT.npz [--signer NAME] [--overwrite]
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

import numpy as np

from stages.data.raw import check_target, write_raw
from stages.errors import run_door
from stages.photos.folder import MAX_MEGAPIXELS, SUFFIXES, list_photos
from stages.photos.importing import Import, import_hands, summarise

EPILOG = f"""\
FOLDER holds A/one.jpg or anna/A/one.jpg; pictures ({", ".join(SUFFIXES)}) may have any size up to
{MAX_MEGAPIXELS} megapixels. Only landmarks are written. A photograph without a hand counts as tried (n_photos), an
unreadable file does not.
"""


def main() -> None:
    """Read the folder, write the `.npz` and print how many hands were found for each letter."""
    parser = ArgumentParser(
        prog="python -m stages.commands.import_photos", description="Photographs to a raw data set.", epilog=EPILOG
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder for each letter, or for each signer")
    parser.add_argument("out", type=Path, metavar="OUT.npz", help="the raw data set to write")
    parser.add_argument("--signer", metavar="NAME", help="who signed, if the folders do not name the signers")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT.npz if it exists")
    arguments = parser.parse_args()
    check_target(arguments.out, overwrite=arguments.overwrite)
    listed = list_photos(arguments.folder, arguments.signer)
    imported = import_hands(listed.photos, str(arguments.folder))
    _write(arguments.out, imported)
    sys.stdout.write(summarise(imported, listed.others) + f"wrote {arguments.out}\n")


def _write(out: Path, imported: Import) -> None:
    hands = imported.hands
    write_raw(
        out,
        labels=np.array([hand.photo.label for hand in hands]),
        signers=np.array([hand.photo.signer for hand in hands]),
        landmarks=np.stack([hand.landmarks for hand in hands]),
        image_size=np.array([hand.image_size for hand in hands], dtype=np.int64),
        handedness=np.array([hand.handedness for hand in hands]),
        n_photos=imported.n_photos,
    )


if __name__ == "__main__":
    run_door(main)
