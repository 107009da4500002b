"""How the test sets are made: raw files of people to landmarks, or synthetic signers; hands that show no letter.

The unseen signers are the raw files in `data/test/`, or synthetic signers of another seed if there are none. Their
photographs are detected once, by the stage `test_sets`, which keeps the landmarks in `data/test_sets/`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from stages.data.cleaning import NO_HAND, read_samples
from stages.errors import InputError
from stages.evaluation.people_sets import EvaluatedFiles, PeopleSet
from stages.evaluation.sets import NON_LETTERS, EvaluationSet, Origin, TestSets, are_synthetic
from stages.files import content_hash, read_model
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import is_synthetic, synthesize_hands
from stages.labels import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stages.params import Preprocess, Test

TEST_DATA: Final = Path("data/test")
"""Folder of raw files of unseen people."""
OLD_TEST_DATA: Final = Path("data/exam")
"""What that folder was called before."""
SYNTHETIC: Final = "synthetic"
COPIES: Final = (".dvc", "tmp", "exps")
"""Folder of a checkout in which DVC makes copies for `dvc exp run --temp` and `--queue`."""


def raw_test_files() -> list[Path]:
    """List the raw files of unseen people; none if the pipeline is to make synthetic signers.

    Files in the folder's old place are found too, with a warning.

    Raises:
        InputError: this is an experiment's copy of a checkout, and lacks files that the checkout has.
    """
    files = sorted(TEST_DATA.glob("[!.]*.npz"))
    if missing := _left_behind(files):
        raise InputError(
            f"{TEST_DATA}: {missing[0]} is in the checkout, but git ignores it, so this copy, made for an experiment, "
            "lacks it: networks would be evaluated on other signers. Run the experiment in the checkout itself, "
            "without --temp or --queue: dvc exp run."
        )
    if old := sorted(OLD_TEST_DATA.glob("[!.]*.npz")):
        sys.stderr.write(
            f"warning: {OLD_TEST_DATA}/ is now called {TEST_DATA}/. The {len(old)} files in it are used, but DVC does "
            f"not notice when they change. Move them: mv {OLD_TEST_DATA}/*.npz {TEST_DATA}/\n"
        )
    return files + old


def _left_behind(files: Sequence[Path]) -> list[str]:
    """Name the raw files of the checkout that its copy below `.dvc/tmp/exps/`, if this is one, lacks."""
    checkout = next((path.parents[2] for path in Path.cwd().parents if path.parts[-3:] == COPIES), None)
    if checkout is None:
        return []
    return sorted({path.name for path in (checkout / TEST_DATA).glob("[!.]*.npz")} - {path.name for path in files})


def prepare_test_sets(files: Sequence[Path], test: Test, limits: Preprocess) -> TestSets:
    """Read raw files of unseen signers, or synthesize signers if there are none, and make the non-letters.

    Args:
        files: raw files, one for each source.
        test: how many synthetic signers, and their seed.
        limits: largest size of a raw file.

    Raises:
        InputError: two files have the same name, a file cannot be read (see `read_samples`), or some signers are
            synthetic and others are not.
    """
    unseen = tuple(read_sets(files, limits)) if files else (_synthetic_signers(test),)
    are_synthetic(unseen)
    return TestSets(unseen, make_non_letters(test))


def read_sets(files: Sequence[Path], limits: Preprocess) -> Iterator[EvaluationSet]:
    """Read raw files one after the other; each is a source, named as its file.

    Raises:
        InputError: two files have the same name, a file cannot be read (see `read_samples`), or some of its signers
            are synthetic and others are not.
    """
    if len({path.stem for path in files}) < len(files):
        raise InputError("Two files have the same name, which names the source. Rename one and run again.")
    for path in files:
        samples = read_samples(path, max_samples=limits.max_samples, max_gib=limits.max_gib)
        if samples.report.hint:
            sys.stderr.write(f"warning: {path}: in most of its photographs no hand was found. {samples.report.hint}\n")
        # No hand in a photograph that is to show nothing is no error.
        rightly = (samples.dropped["label"] == NOTHING) & (samples.dropped["reason"] == NO_HAND)
        dropped = samples.dropped[~rightly]
        signers = np.concatenate([samples.signers, dropped["signer"].to_numpy(np.str_)])
        synthetic = is_synthetic(signers)
        if synthetic.any() and not synthetic.all():
            raise InputError(
                f"{path}: some of its signers are synthetic ('{signers[synthetic][0]}'), others are people, and a mean "
                "of both says nothing about either. Take the synthetic ones out and run again."
            )
        lost = dropped["row"].to_numpy(np.int64)
        found = np.delete(np.arange(samples.report.rows), samples.dropped["row"].to_numpy(np.int64))
        yield EvaluationSet(
            path.stem,
            samples.drawable,
            np.concatenate([samples.labels, dropped["label"].to_numpy(np.str_)]),
            signers,
            (samples.report.n_photos or samples.report.rows) - int(rightly.sum()),
            synthetic=bool(synthetic.all()),
            origin=Origin(path, np.concatenate([found, lost])),
        )


def hash_sources(files: Sequence[Path], kind: PeopleSet) -> dict[str, str]:
    """Hash raw files that are to be evaluated as a set of people.

    Args:
        files: raw files, one for each source; missing ones are left out.
        kind: the set that they are to belong to. Files in `data/test/` belong to the test set.

    Returns:
        SHA-256 of each file, hex, by source.

    Raises:
        InputError: a file belongs to the other set, or that set's report is damaged.
    """
    others = {}
    if kind.other.report.is_file():
        report = read_model(EvaluatedFiles, kind.other.report, kind.other.command)
        others = {digest: f"{source} in {kind.other.report}" for source, digest in report.files.items()}
    if kind is PeopleSet.DEVELOPMENT:
        others |= {content_hash(path): str(path) for path in raw_test_files()}
    hashes = {path: content_hash(path) for path in files if path.is_file()}
    for path, digest in hashes.items():
        if digest in others:
            raise InputError(
                f"{path}: it has the same contents as {others[digest]}, so it is in the {kind.other} set. Choose by "
                "one set and report the other: leave it out of one of them, and evaluate that set again."
            )
    return {path.stem: digest for path, digest in hashes.items()}


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
