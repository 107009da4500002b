"""The sets that networks are evaluated on: unseen signers, hands that show no letter, and the validation split.

The unseen signers are the raw files in `data/test/`, or synthetic signers of another seed if there are none. Their
photographs are detected once, by the stage `test_sets`, which keeps the landmarks in `data/test_sets/`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from stages.data.archive import read_arrays, write_archive
from stages.data.cleaning import read_samples
from stages.errors import InputError
from stages.hand.handshapes import read_handshapes
from stages.hand.non_letters import NOTHING
from stages.hand.signers import synthesize_hands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from stages.data.processed import Processed
    from stages.params import Preprocess, Test

TEST_DATA: Final = Path("data/test")
"""Folder of raw files of unseen people."""
OLD_TEST_DATA: Final = Path("data/exam")
"""What that folder was called before."""
TEST_SETS: Final = Path("data/test_sets")
ARRAYS: Final = ("samples", "labels", "signers", "n_photos", "synthetic")
SYNTHETIC: Final = "synthetic"
NON_LETTERS: Final = "non_letters"
VALIDATION: Final = "validation"
UNSEEN: Final = "unseen"
"""Folder of the sets of unseen signers, in `TEST_SETS` and among predictions."""


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


def raw_test_files() -> list[Path]:
    """List the raw files of unseen people; none if the pipeline is to make synthetic signers.

    Files in the folder's old place are found too, with a warning.
    """
    files = sorted(TEST_DATA.glob("[!.]*.npz"))
    if old := sorted(OLD_TEST_DATA.glob("[!.]*.npz")):
        sys.stderr.write(
            f"warning: {OLD_TEST_DATA}/ is now called {TEST_DATA}/. The {len(old)} files in it are used, but DVC does "
            f"not notice when they change. Move them: mv {OLD_TEST_DATA}/*.npz {TEST_DATA}/\n"
        )
    return files + old


def prepare_test_sets(files: Sequence[Path], test: Test, limits: Preprocess, training_seed: int) -> TestSets:
    """Read raw files of unseen signers, or synthesize signers if there are none, and make the non-letters.

    Args:
        files: raw files, one for each source.
        test: how many synthetic signers, and their seed.
        limits: largest size of a raw file.
        training_seed: seed of the embedded data set.

    Raises:
        InputError: two files have the same name, a file cannot be read (see `read_samples`), or both seeds are the
            same, so that the synthetic signers would not be unseen.
    """
    if test.seed == training_seed:
        raise InputError(
            f"params.yaml: test.seed and synthesize.seed are both {test.seed}, so the networks were trained on the "
            "signers of the test set. Choose another test.seed and run again."
        )
    unseen = tuple(read_sets(files, limits)) if files else (_synthetic_signers(test),)
    return TestSets(unseen, make_non_letters(test))


def read_sets(files: Sequence[Path], limits: Preprocess) -> Iterator[EvaluationSet]:
    """Read raw files one after the other; each is a source, named as its file.

    Raises:
        InputError: two files have the same name, or a file cannot be read (see `read_samples`).
    """
    if len({path.stem for path in files}) < len(files):
        raise InputError("Two files have the same name, which names the source. Rename one and run again.")
    for path in files:
        samples = read_samples(path, max_samples=limits.max_samples, max_gib=limits.max_gib)
        yield EvaluationSet(
            path.stem,
            samples.drawable,
            np.concatenate([samples.labels, samples.dropped["label"].to_numpy(np.str_)]),
            np.concatenate([samples.signers, samples.dropped["signer"].to_numpy(np.str_)]),
            samples.report.n_photos or samples.report.rows,
        )


def validation_set(processed: Processed) -> EvaluationSet:
    """Take the validation split as a set."""
    split = processed.validation
    labels = np.asarray(processed.class_names, dtype=np.str_)[split.classes]
    return EvaluationSet(VALIDATION, split.samples, labels, split.signers, len(labels))


def _synthetic_signers(test: Test) -> EvaluationSet:
    hands = synthesize_hands(read_handshapes(), test.signers, test.samples_per_letter, test.seed)
    return EvaluationSet(SYNTHETIC, hands.landmarks, hands.labels, hands.signers, len(hands.labels), synthetic=True)


def make_non_letters(test: Test) -> EvaluationSet:
    """Synthesize hands of the same signers that show no letter."""
    hands = synthesize_hands(read_handshapes(), test.signers, 1, test.seed, test.non_letters)
    rows = np.flatnonzero(hands.labels == NOTHING)
    return EvaluationSet(
        NON_LETTERS, hands.landmarks[rows], hands.labels[rows], hands.signers[rows], len(rows), synthetic=True
    )
