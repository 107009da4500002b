"""Import moving hands from folders of `.npy` frames, as tutorials write them: they become a file of takes.

Usage: python -m stages.commands.import_sequences FOLDER OUT.npz --frame-rate 12 [--size 640x480] [--signer NAME]
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from stages.data.raw import check_target
from stages.data.sequences import MOST_FRAMES, RawSequences, write_sequences
from stages.errors import InputError, run_door
from stages.labels import clean_label

EPILOG: Final = """\
FOLDER holds J/0/0.npy, J/0/1.npy ...: a folder for each letter, in it one for each take, in it a file for each frame.
A frame is 63 numbers (one hand: x, y and z of MediaPipe's 21 landmarks), 126 (left hand, right hand), or the 1,662 of
MediaPipe Holistic (pose, face, left hand, right hand). A hand of zeros was not found. x and y are shares of the picture
(0 to 1), or pixels.
"""
HAND: Final = 63
HOLISTIC: Final = 1662
SIZE: Final = (640, 480)
"""Pixels of the pictures, unless they are said to be of another size."""
MOST_TAKES: Final = 100_000
SHARE: Final = 3.0
"""Coordinates of at most this are shares of the picture: hands reach out of it, but not so far."""


def main() -> None:
    """Read the folder, write the `.npz` and print what was found."""
    parser = ArgumentParser(
        prog="python -m stages.commands.import_sequences", description="Folders of frames to takes.", epilog=EPILOG
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder for each letter")
    parser.add_argument("out", type=Path, metavar="OUT.npz", help="the file of takes to write")
    parser.add_argument("--frame-rate", type=_rate, required=True, metavar="N", help="frames a second")
    parser.add_argument("--size", type=_size, default=SIZE, metavar="WxH", help="of the pictures, default 640x480")
    parser.add_argument("--signer", default="", metavar="NAME", help="who signed")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT.npz if it exists")
    arguments = parser.parse_args()
    check_target(arguments.out, overwrite=arguments.overwrite)
    takes = find_takes(arguments.folder)
    hands = [read_take(take, arguments.size) for _, take in takes]
    length = max(len(each) for each in hands)
    landmarks = np.full((len(hands), length, 21, 3), np.nan, dtype=np.float32)
    times = np.full((len(hands), length), np.nan)
    for row, each in enumerate(hands):
        landmarks[row, : len(each)] = each
        times[row, : len(each)] = np.arange(len(each)) / arguments.frame_rate
    labels = np.array([label for label, _ in takes])
    signers = np.full(len(hands), arguments.signer.strip())
    write_sequences(arguments.out, RawSequences(landmarks, times, labels, signers))
    for label in sorted(set(labels.tolist())):
        own = labels == label
        found = np.isfinite(landmarks[own, :, 0, 0]).sum() / np.isfinite(times[own]).sum()
        sys.stdout.write(f"{label}: {own.sum()} takes, a hand in {found:.0%} of their frames\n")
    sys.stdout.write(f"wrote {arguments.out}\n")


def find_takes(folder: Path) -> list[tuple[str, Path]]:
    """List the folders of takes with their labels, sorted by label and number.

    Raises:
        InputError: there are none, or too many.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder. Name the one that holds a folder for each letter.")
    takes = [
        (clean_label(letter.name), take)
        for letter in sorted(folder.iterdir()) if letter.is_dir()
        for take in sorted(letter.iterdir(), key=_number) if take.is_dir() and any(take.glob("*.npy"))
    ]  # fmt: skip
    if not takes:
        raise InputError(
            f"{folder}: no take in it. It must hold a folder for each letter, in it one for each take, in it an .npy "
            "file for each frame, such as J/0/0.npy."
        )
    if len(takes) > MOST_TAKES:
        raise InputError(f"{folder}: {len(takes)} takes, more than {MOST_TAKES}. Import a part of them at a time.")
    return takes


def read_take(folder: Path, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Read the frames of one take: (T, 21, 3) pixels, NaN where there is no hand.

    Of two hands the one that is found in more frames counts.

    Raises:
        InputError: a frame is no array of 63, 126 or 1,662 numbers, or there are too many frames.
    """
    paths = sorted(folder.glob("*.npy"), key=_number)
    if len(paths) > MOST_FRAMES:
        raise InputError(f"{folder}: {len(paths)} frames, more than {MOST_FRAMES}. Cut each letter to its own take.")
    frames = [_read_frame(path) for path in paths]
    if len({len(frame) for frame in frames}) > 1:
        raise InputError(f"{folder}: its frames have different numbers of hands. Export the take again.")
    hands = np.stack(frames)  # (T, hands, 21, 3)
    found = np.isfinite(hands).all(axis=(2, 3)) & (hands != 0.0).any(axis=(2, 3))
    best = int(found.sum(axis=0).argmax())
    own, there = hands[:, best], found[:, best]
    if there.any() and np.abs(own[there][..., :2]).max() <= SHARE:
        own = own * np.array((*size, size[0]), dtype=np.float32)
    own[~there] = np.nan
    return np.asarray(own, dtype=np.float32)


def _read_frame(path: Path) -> npt.NDArray[np.float32]:
    """Read one frame: (hands, 21, 3)."""
    try:
        # Mapped, so that no more is read than is looked at.
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a frame of landmarks ({' '.join(str(error).split())[:100]}).") from None
    if values.dtype.kind not in "fiu" or values.size not in (HAND, 2 * HAND, HOLISTIC):
        raise InputError(
            f"{path}: it holds {values.shape} {values.dtype}, not {HAND}, {2 * HAND} or {HOLISTIC} numbers. Export the "
            "hand's landmarks alone, x, y and z of each."
        )
    flat = values.ravel()[-2 * HAND :] if values.size == HOLISTIC else values.ravel()
    return np.asarray(flat.reshape(-1, 21, 3), dtype=np.float32)


def _number(path: Path) -> tuple[float, str]:
    """Sort 2 before 10."""
    digits = re.search(r"\d+", path.stem)
    return (float(digits[0]) if digits else float("inf")), path.name


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 1.0 <= rate <= 1000.0:
        raise ArgumentTypeError(f"{text!a} is no frame rate: 1 to 1000 frames a second")
    return rate


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if match is None:
        raise ArgumentTypeError(f"{text!a} is no size: width x height in pixels, such as 640x480")
    return int(match[1]), int(match[2])


if __name__ == "__main__":
    run_door(main)
