"""Networks read strangers, validation samples and hands without a letter; what they read is compared with the truth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from stages.evaluation.networks import Network, predict
from stages.evaluation.test_scores import Answers, answer
from stages.evaluation.test_sets import make_strangers, read_strangers
from stages.hand.non_letters import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from stages.data.cleaning import Samples
    from stages.data.processed import Processed
    from stages.params import Preprocess, Test

STRANGERS: Final = Path("data/exam")
"""Folder whose raw files the pipeline examines on, where there are any."""


def stranger_files() -> list[Path]:
    """List the raw files of people that the pipeline examines on; none where its strangers are synthetic."""
    return sorted(STRANGERS.glob("[!.]*.npz"))


def strangers(
    files: Sequence[Path], exam: Test, limits: Preprocess, training_seed: int
) -> Iterator[tuple[str, Samples]]:
    """Read the files, or make synthetic signers where there are none, one source after the other.

    Raises:
        PipelineError: see `read_strangers` and `make_strangers`.
    """
    return read_strangers(files, limits) if files else make_strangers(exam, training_seed)


def examine(networks: dict[str, Network], source: str, samples: Samples) -> dict[str, Answers]:
    """Let every network that can read a source do so."""
    able = {name: each for name, each in networks.items() if each.reads == "masks" or samples.landmarks is not None}
    probabilities = predict(list(able.values()), samples.drawable, f"exam {source}")
    known = set.intersection(*(set(network.classes) for network in able.values()))
    if unknown := sorted({*samples.labels.tolist(), *samples.labels_lost} - known):
        sys.stderr.write(
            f"warning: {samples.path}: not every network knows {unknown}; unknown labels count as errors.\n"
        )
    missed = (samples.dropped.labels, samples.dropped.signers)
    n_photos = samples.n_photos or samples.rows
    return {
        name: answer(read, samples.labels, network.classes, samples.signers, n_photos, missed)
        for (name, network), read in zip(able.items(), probabilities, strict=True)
    }


def examine_validation(networks: dict[str, Network], processed: Processed) -> dict[str, Answers]:
    """Let every network read the validation samples; labels that a network does not know are never read right."""
    split = processed.validation
    labels = np.asarray(processed.class_names, dtype=np.str_)[split.classes]
    return _ask(networks, split.samples, labels, split.signers, "validation")


def examine_non_letters(networks: dict[str, Network], landmarks: npt.NDArray[np.float32]) -> dict[str, Answers]:
    """Show every network hands without a letter, (N, 21, 3) landmarks in pixels."""
    count = len(landmarks)
    return _ask(networks, landmarks, np.full(count, NOTHING), np.full(count, ""), "exam non-letters")


def _ask(
    networks: dict[str, Network],
    samples: npt.NDArray[np.generic],
    labels: npt.NDArray[np.str_],
    signers: npt.NDArray[np.str_],
    description: str,
) -> dict[str, Answers]:
    return {
        name: answer(read, labels, network.classes, signers, len(labels))
        for (name, network), read in zip(
            networks.items(), predict(list(networks.values()), samples, description), strict=True
        )
    }
