"""Photographs turned into landmarks a second, with one process and with one for each core.

`make bench-preprocess DATA=photos.npz` runs it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np

from service.cores import usable_cores
from stages.data.archive import write_archive
from stages.data.raw import Pictures, read_raw
from stages.errors import InputError, run_door
from stages.photos.detection import FoundHands, find_hands

MAX_GIB: Final = 8.0


def repeated(path: Path, folder: Path, least: int) -> Pictures:
    """Write the photographs of a raw file several times, so that start-up is a small part of the time."""
    pictures = read_raw(path, max_samples=100_000, max_gib=MAX_GIB).pictures
    if pictures is None or pictures.kind != "images":
        raise InputError(f"{path}: it holds no photographs. Name a raw .npz with 'images'.")
    images = np.concatenate(list(pictures.chunks(len(pictures))))
    images = np.tile(images, (-(-least // len(images)), 1, 1, 1))
    write_archive(folder / "photos.npz", {"labels": np.full(len(images), "A"), "images": images})
    return Pictures(folder / "photos.npz", "images", images.shape)


def measure(pictures: Pictures, processes: int) -> tuple[FoundHands, float, float]:
    """Find all hands; return them, the seconds and the processor time of all processes.

    Both include starting the processes and loading MediaPipe. If they differ much, the machine was busy otherwise.
    """
    begun, used = time.perf_counter(), sum(os.times()[:4])
    found = find_hands(pictures, f"{processes} process{'' if processes == 1 else 'es'}", processes=processes)
    return found, time.perf_counter() - begun, sum(os.times()[:4]) - used


def main() -> None:
    """Print photographs a second with one process and with several, their ratio, and the share of hands found."""
    parser = argparse.ArgumentParser(description="Photographs to landmarks with one process and with several.")
    parser.add_argument("data", type=Path, help="raw .npz of photographs")
    parser.add_argument("--processes", type=int, default=max(2, usable_cores()), help="default: one for each core")
    parser.add_argument("--least", type=int, default=1500, help="photographs to process; the file is repeated")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = repeated(options.data, Path(folder), options.least)
        one, one_seconds, one_cpu = measure(pictures, 1)
        several, several_seconds, several_cpu = measure(pictures, options.processes)
    count = len(pictures)
    height, width = pictures.shape[1:3]
    equal = np.array_equal(one.landmarks, several.landmarks, equal_nan=True)
    found = 1.0 - float(np.isnan(one.landmarks[:, 0, 0]).mean())
    sys.stdout.write(
        f"{count} photographs of {width}x{height} pixels, hands found in {found:.1%}, start-up included\n"
        f"1 process:   {count / one_seconds:6.1f} photographs/s, {one_cpu / one_seconds:.2f} cores busy\n"
        f"{options.processes} processes: {count / several_seconds:6.1f} photographs/s, "
        f"{several_cpu / several_seconds:.2f} cores busy ({one_seconds / several_seconds:.2f} times as many)\n"
        f"landmarks {'equal' if equal else 'DIFFERENT'}\n"
    )


if __name__ == "__main__":
    run_door(main)
