"""Processed data: what preprocessing writes and training and evaluation read, in `data/processed/`."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from stages.data.archive import open_archive, write_archive
from stages.errors import PipelineError
from stages.files import write_text

if TYPE_CHECKING:
    import numpy.typing as npt

PROCESSED: Final = Path("data/processed")
FILES: Final = ("classes.json", "train.npz", "validation.npz")
MASK_SIDE: Final = 224
"""Side of a ready-made mask in pixels, the side that models are served with."""


@dataclass(frozen=True)
class Split:
    """Training or validation samples: landmarks to draw masks from, or masks made elsewhere."""

    landmarks: npt.NDArray[np.float32] | None
    """(N,21,3) pixels, finite; None where the data set is of masks."""
    masks: npt.NDArray[np.uint8] | None
    """(N,224,224,3) RGB; None where the data set is of landmarks."""
    classes: npt.NDArray[np.int64]
    """(N,) indices into the data set's class names."""
    signers: npt.NDArray[np.str_]
    """(N,) text, "" where the signer is unknown."""

    def __post_init__(self) -> None:
        if (self.landmarks is None) == (self.masks is None):
            raise ValueError("a split holds either landmarks or masks")
        if not len(self.samples) == len(self.classes) == len(self.signers):
            raise ValueError("samples, classes and signers of a split must have one row each per sample")

    def __len__(self) -> int:
        """Samples of the split."""
        return len(self.classes)

    @property
    def samples(self) -> npt.NDArray[Any]:
        """The landmarks or the masks, whichever the split holds."""
        if self.landmarks is not None:
            return self.landmarks
        assert self.masks is not None  # noqa: S101 - __post_init__ saw to it
        return self.masks


@dataclass(frozen=True)
class Processed:
    """A data set ready to train on."""

    train: Split
    validation: Split
    class_names: tuple[str, ...]
    """Labels in the order of the class indices, sorted."""


def write_processed(folder: Path, processed: Processed) -> None:
    """Write a data set: into a folder beside `folder`, which then takes its place, with the same bytes every time."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        write_text(partial / "classes.json", json.dumps(processed.class_names, ensure_ascii=False) + "\n")
        _write_split(partial / "train.npz", processed.train)
        _write_split(partial / "validation.npz", processed.validation)
        _replace_folder(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def read_processed(folder: Path = PROCESSED) -> Processed:
    """Read a data set that `write_processed` wrote.

    Raises:
        PipelineError: a file is missing, damaged or does not fit the others.
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
    """Compute the md5 hex digest of a data set's three files and their names; it names the data in every model."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in FILES:
        digest.update(name.encode())
        try:
            with (folder / name).open("rb") as stream:
                digest.update(hashlib.file_digest(stream, _md5).digest())
        except OSError as error:
            raise _unusable(folder / name, str(error.strerror)) from None
    return digest.hexdigest()


def _md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)


def _write_split(path: Path, split: Split) -> None:
    name = "masks" if split.landmarks is None else "landmarks"
    arrays = {name: split.samples, "classes": split.classes, "signers": split.signers}
    # A mask is 150 kB of mostly black, so it is worth deflating; landmarks are not.
    write_archive(path, arrays, compressed=split.landmarks is None)


def _read_split(path: Path, n_classes: int) -> Split:
    with open_archive(path) as archive:
        names = archive.names
        if sorted(names) not in (["classes", "landmarks", "signers"], ["classes", "masks", "signers"]):
            raise _unusable(path, f"it holds {names}")
        headers = {name: archive.header(name) for name in names}
        rows = headers["classes"].shape[:1]
        shapes = {"landmarks": (*rows, 21, 3), "masks": (*rows, MASK_SIDE, MASK_SIDE, 3)}
        kinds = {"landmarks": "f4", "masks": "u1", "classes": "i8"}
        for name, header in headers.items():
            kind = "U" if header.dtype.kind == "U" else header.dtype.str[1:]
            if kind != kinds.get(name, "U") or header.shape != shapes.get(name, rows):
                raise _unusable(path, f"'{name}' is {header.shape} {header.dtype}")
        arrays = {name: archive.read(name) for name in names}
    classes = arrays["classes"]
    if not len(classes) or classes.min() < 0 or classes.max() >= n_classes:
        raise _unusable(path, "its classes do not fit classes.json")
    return Split(arrays.get("landmarks"), arrays.get("masks"), classes, arrays["signers"])


def _replace_folder(new: Path, folder: Path) -> None:
    """Put a folder in the place of another; a rename alone cannot, where the old one holds files."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _unusable(path: Path, why: str) -> PipelineError:
    return PipelineError(f"{path}: cannot be read ({why}). Make it again with `dvc repro preprocess`.")
