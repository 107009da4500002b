"""Processed data, which preprocessing writes and training and evaluation read, in `data/processed/`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from client.mask import MASK_SIZE
from stages.data.archive import open_archive, write_archive
from stages.errors import InputError
from stages.files import atomic_folder, write_text

if TYPE_CHECKING:
    import numpy.typing as npt

PROCESSED: Final = Path("data/processed")
FILES: Final = ("classes.json", "train.npz", "validation.npz")
_LAYOUTS: Final[dict[str, tuple[str, tuple[int, ...]]]] = {
    "landmarks": ("f4", (21, 3)),
    "masks": ("u1", (MASK_SIZE, MASK_SIZE, 3)),
    "classes": ("i8", ()),
    "signers": ("U", ()),
}
"""Type and shape of a row of each array in a file of samples."""


@dataclass(frozen=True)
class Split:
    """Training or validation samples."""

    samples: npt.NDArray[Any]
    """(N,21,3) float32 landmarks in pixels, finite, to draw masks from; or (N,224,224,3) uint8 RGB masks."""
    classes: npt.NDArray[np.int64]
    """(N,) indices into the data set's class names."""
    signers: npt.NDArray[np.str_]
    """(N,) text, "" if the signer is unknown."""

    def __post_init__(self) -> None:
        if not len(self.samples) == len(self.classes) == len(self.signers):
            raise ValueError("samples, classes and signers of a split must have one row each per sample")

    def __len__(self) -> int:
        """Samples of the split."""
        return len(self.classes)

    @property
    def kind(self) -> Literal["landmarks", "masks"]:
        """What the samples are."""
        return "masks" if self.samples.ndim == 4 else "landmarks"


@dataclass(frozen=True)
class Processed:
    """A data set ready to train on."""

    train: Split
    validation: Split
    class_names: tuple[str, ...]
    """Labels in the order of the class indices, sorted."""


def write_processed(folder: Path, processed: Processed) -> None:
    """Write a data set as a folder, atomically and with the same bytes every time."""
    with atomic_folder(folder) as partial_folder:
        write_text(partial_folder / "classes.json", json.dumps(processed.class_names, ensure_ascii=False) + "\n")
        _write_split(partial_folder / "train.npz", processed.train)
        _write_split(partial_folder / "validation.npz", processed.validation)


def read_processed(folder: Path = PROCESSED) -> Processed:
    """Read a data set that `write_processed` wrote.

    Raises:
        InputError: a file is missing, damaged or does not fit the others.
    """
    path = folder / "classes.json"
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable(path, str(error)) from None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise _unusable(path, "it must be a list of labels")
    return Processed(
        train=_read_split(folder / "train.npz", len(names)),
        validation=_read_split(folder / "validation.npz", len(names)),
        class_names=tuple(names),
    )


def data_hash(folder: Path = PROCESSED) -> str:
    """Compute the md5 hex digest of a data set's three files and their names; every model carries it."""
    md5 = partial(hashlib.md5, usedforsecurity=False)
    digest = md5()
    for name in FILES:
        digest.update(name.encode())
        try:
            with (folder / name).open("rb") as stream:
                digest.update(hashlib.file_digest(stream, md5).digest())
        except OSError as error:
            raise _unusable(folder / name, str(error.strerror)) from None
    return digest.hexdigest()


def _write_split(path: Path, split: Split) -> None:
    arrays = {split.kind: split.samples, "classes": split.classes, "signers": split.signers}
    # A mask is 150 kB of mostly black pixels and compresses well; landmarks do not.
    write_archive(path, arrays, compressed=split.kind == "masks")


def _read_split(path: Path, n_classes: int) -> Split:
    with open_archive(path) as archive:
        names = sorted(archive.names)
        if names not in (["classes", "landmarks", "signers"], ["classes", "masks", "signers"]):
            raise _unusable(path, f"it holds {archive.names}")
        headers = {name: archive.header(name) for name in names}
        rows = headers["classes"].shape[:1]
        for name, header in headers.items():
            kind, shape = _LAYOUTS[name]
            if not header.dtype.str[1:].startswith(kind) or header.shape != rows + shape:
                raise _unusable(path, f"'{name}' is {header.shape} {header.dtype}")
        classes, samples, signers = (archive.read(name) for name in names)
    if not len(classes) or classes.min() < 0 or classes.max() >= n_classes:
        raise _unusable(path, "its classes do not fit classes.json")
    return Split(samples, classes, signers)


def _unusable(path: Path, why: str) -> InputError:
    return InputError(f"{path}: cannot be read ({why}). Make it again with `dvc repro preprocess`.")
