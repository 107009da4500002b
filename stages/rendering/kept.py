"""What is kept of a long rendering: the landmarks that were found, and some of the photographs, in `pretrained/`."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from stages.data.archive import read_arrays, write_archive
from stages.errors import InputError
from stages.files import atomic_write
from stages.params import PRETRAINED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LANDMARKS: Final = PRETRAINED / "rendered.npz"
PHOTOGRAPHS: Final = PRETRAINED / "rendered_photographs.zip"
QUALITY: Final = 80
"""Of the photographs as WebP, 0 to 100."""
_ARRAYS: Final = ("labels", "signers", "handedness", "rows", "landmarks", "order")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Order:
    """What to render."""

    seed: int
    signers: int
    samples_per_letter: int
    non_letters: int


@dataclass(frozen=True)
class Found:
    """What MediaPipe found in N photographs.

    Attributes:
        labels: (N,) text.
        signers: (N,) numbers of the signers.
        handedness: (N,) the hand that was rendered, "L" or "R".
        rows: (N,) rows of the table of handshapes, -1 for a hand that shows no letter.
        landmarks: (N, 21, 3) float16, centred on 0 with an extent of 1, z on x's scale; NaN where no hand was found.
    """

    labels: npt.NDArray[np.str_]
    signers: npt.NDArray[np.int32]
    handedness: npt.NDArray[np.str_]
    rows: npt.NDArray[np.int16]
    landmarks: npt.NDArray[np.float16]

    @property
    def hands(self) -> npt.NDArray[np.bool_]:
        """(N,) whether a hand was found."""
        return np.asarray(np.isfinite(self.landmarks).all(axis=(1, 2)))


@dataclass(frozen=True)
class Photograph:
    """One photograph of a rendered hand: its label, whose it is, and (H, W, 3) uint8 RGB."""

    label: str
    signer: str
    picture: npt.NDArray[np.uint8]


def signer_name(seed: int, number: int) -> str:
    """Name a signer of the mesh, in all files alike; `stages.hand.signers.is_synthetic` knows the name."""
    return f"rendered_{seed}_{number:05d}"


def write_landmarks(path: Path, order: Order, found: Found) -> None:
    """Write landmarks with what they were made from; the same landmarks give the same bytes."""
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(found, name) for name in _ARRAYS if name != "order"}
    write_archive(path, arrays | {"order": np.array(json.dumps(asdict(order)))}, compressed=True)


def read_landmarks(path: Path = LANDMARKS) -> tuple[Order, Found]:
    """Read what `write_landmarks` wrote.

    Raises:
        InputError: the file is missing or damaged.
    """
    *arrays, order = read_arrays(path, _ARRAYS, "rendered")
    found = Found(*arrays)
    if not len(found.labels) == len(found.signers) == len(found.landmarks) or found.landmarks.shape[1:] != (21, 3):
        raise InputError(f"{path}: its arrays do not fit each other. Restore it from git, or type: make render")
    try:
        return Order(**json.loads(str(order))), found
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path}: its order cannot be read ({error}). Restore it from git, or type: make render"
        ) from None


def write_photographs(path: Path, photographs: Iterable[Photograph]) -> int:
    """Write photographs as a zip of WebP files named signer/number_label.webp; returns how many there are."""
    count = 0
    with atomic_write(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as zipped:
        for count, each in enumerate(photographs, start=1):
            bgr = cv2.cvtColor(each.picture, cv2.COLOR_RGB2BGR)
            data = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1].tobytes()
            name = f"{each.signer}/{count:04d}_{each.label}.webp"
            zipped.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return count


def read_photographs(path: Path = PHOTOGRAPHS) -> Iterator[Photograph]:
    """Read what `write_photographs` wrote, one after the other.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        with zipfile.ZipFile(path) as zipped:
            for name in zipped.namelist():
                signer, file = name.split("/")
                data = np.frombuffer(zipped.read(name), dtype=np.uint8)
                rgb = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
                yield Photograph(file.removesuffix(".webp").split("_")[1], signer, rgb.astype(np.uint8))
    except (OSError, ValueError, IndexError, cv2.error, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read ({error}). Restore it from git, or type: make render") from None
