"""The sets that networks are evaluated on: unseen signers, hands that show no letter, and the validation split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from stages.data.archive import read_arrays, write_archive
from stages.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from stages.data.processed import Processed

TEST_SETS: Final = Path("data/test_sets")
ARRAYS: Final = ("samples", "labels", "signers", "n_photos", "synthetic")
NON_LETTERS: Final = "non_letters"
VALIDATION: Final = "validation"
UNSEEN: Final = "unseen"
"""Folder of the sets of unseen signers, in `TEST_SETS` and among predictions."""


@dataclass(frozen=True)
class Origin:
    """The raw file that a set was read from."""

    path: Path
    rows: npt.NDArray[np.int64]
    """(R,) where each row of the set is in the file."""


@dataclass(frozen=True)
class EvaluationSet:
    """Samples to predict, and every photograph that was tried: those in which no hand was found come last."""

    name: str
    """Of the source; or `NON_LETTERS` or `VALIDATION`."""
    samples: npt.NDArray[Any]
    """(N, 21, 3) float32 landmarks in pixels, or (N, 224, 224, 3) uint8 masks."""
    labels: npt.NDArray[np.str_]
    """(R,) true labels, R at least N: the first N are those of the samples."""
    signers: npt.NDArray[np.str_]
    """(R,) text, "" if unknown."""
    n_photos: int
    """Photographs tried, at least R: nobody knows which letters those beyond R showed."""
    synthetic: bool = False
    """Whether the signers are, as their names say."""
    origin: Origin | None = None
    """None for synthetic signers, the validation split and what `read` reads."""

    @property
    def where(self) -> str:
        """What a message calls the set."""
        return str(self.origin.path) if self.origin else f"The set '{self.name}'"

    def row(self, number: int) -> int:
        """Say which row of the raw file a row is."""
        return int(self.origin.rows[number]) if self.origin else number

    def write(self, path: Path) -> None:
        """Write the set as an `.npz` that has the same bytes every time."""
        arrays = (self.samples, self.labels, self.signers, np.asarray(self.n_photos), np.asarray(self.synthetic))
        write_archive(path, dict(zip(ARRAYS, arrays, strict=True)), compressed=self.samples.ndim == 4)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a set that `write` wrote.

        Raises:
            InputError: the file is missing, damaged or holds something else.
        """
        samples, labels, signers, n_photos, synthetic = read_arrays(path, ARRAYS, "test_sets")
        return cls(path.stem, samples, labels, signers, int(n_photos), bool(synthetic))


@dataclass(frozen=True)
class TestSets:
    """What the stage `test_sets` prepares."""

    __test__ = False  # no test case, whatever pytest thinks of the name

    unseen: tuple[EvaluationSet, ...]
    """One set for each source of unseen signers."""
    non_letters: EvaluationSet

    def write(self, folder: Path) -> None:
        """Write a file for each set into a folder."""
        for each in self.unseen:
            each.write(folder / UNSEEN / f"{each.name}.npz")
        self.non_letters.write(folder / f"{NON_LETTERS}.npz")

    @classmethod
    def read(cls, folder: Path = TEST_SETS) -> Self:
        """Read the sets that `write` wrote.

        Raises:
            InputError: a file is missing or damaged.
        """
        non_letters, *unseen = (EvaluationSet.read(path) for path in prepared_files(folder))
        return cls(tuple(unseen), non_letters)


def prepared_files(folder: Path = TEST_SETS) -> list[Path]:
    """List the files of the test sets: the non-letters, then the unseen signers by name.

    Raises:
        InputError: one is missing.
    """
    non_letters, unseen = folder / f"{NON_LETTERS}.npz", unseen_files(folder)
    if not non_letters.is_file() or not unseen:
        raise InputError(f"{folder}: there are no test sets. Run: dvc repro test_sets.")
    return [non_letters, *unseen]


def unseen_files(folder: Path) -> list[Path]:
    """List the files on unseen signers in a folder of test sets or of predictions, by name."""
    return sorted((folder / UNSEEN).glob("[!.]*.npz"))


def are_synthetic(sets: Sequence[EvaluationSet]) -> bool:
    """Whether all signers are synthetic, so that the scores say little about people.

    Raises:
        InputError: some are and others are not: their mean would say nothing about anyone.
    """
    synthetic = [each for each in sets if each.synthetic]
    if synthetic and len(synthetic) < len(sets):
        people = next(each for each in sets if not each.synthetic)
        raise InputError(
            f"{synthetic[0].where} has synthetic signers, but {people.where} has people, and a mean of both says "
            "nothing about either. Move one of them away and run again."
        )
    return bool(synthetic)


def validation_set(processed: Processed) -> EvaluationSet:
    """Take the validation split as a set."""
    split = processed.validation
    labels = np.asarray(processed.class_names, dtype=np.str_)[split.classes]
    return EvaluationSet(VALIDATION, split.samples, labels, split.signers, len(labels))
