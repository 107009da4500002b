"""Who is examined: raw files of signers that no network was trained on, or synthetic signers of another seed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stages.data.cleaning import Samples, read_samples
from stages.data.dropped import DroppedRows
from stages.errors import PipelineError
from stages.hand.handshapes import read_handshapes
from stages.hand.non_letters import NOTHING
from stages.hand.signers import synthesize_hands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from stages.params import Preprocess, Test


def read_strangers(files: Sequence[Path], limits: Preprocess) -> Iterator[tuple[str, Samples]]:
    """Read raw files one after the other; each is a source, named as its file.

    Raises:
        PipelineError: two files have the same name, or a file cannot be read (see `read_samples`).
    """
    if len({path.stem for path in files}) < len(files):
        raise PipelineError("Two files have the same name, which names the source. Rename one and run again.")
    for path in files:
        yield path.stem, read_samples(path, max_samples=limits.max_samples, max_gib=limits.max_gib)


def make_non_letters(exam: Test, training_seed: int) -> npt.NDArray[np.float32]:
    """Make hands of the same synthetic signers that show no letter: (N, 21, 3) landmarks in pixels.

    Raises:
        PipelineError: see `make_strangers`.
    """
    _check_seeds(exam, training_seed)
    hands = synthesize_hands(read_handshapes(), exam.signers, 1, exam.seed, exam.non_letters)
    non_letters: npt.NDArray[np.float32] = hands.landmarks[hands.labels == NOTHING]
    return non_letters


def make_strangers(exam: Test, training_seed: int) -> Iterator[tuple[str, Samples]]:
    """Make synthetic signers who are not among those of the embedded data set; they are one source, `synthetic`.

    Args:
        exam: how many, and their seed.
        training_seed: seed of the embedded data set.

    Raises:
        PipelineError: both seeds are the same, so that the signers would be too.
    """
    _check_seeds(exam, training_seed)
    hands = synthesize_hands(read_handshapes(), exam.signers, exam.samples_per_letter, exam.seed)
    yield (
        "synthetic",
        Samples(
            path=Path("synthetic"),
            kind="landmarks",
            labels=hands.labels,
            signers=hands.signers,
            landmarks=hands.landmarks,
            masks=None,
            rows=len(hands.labels),
            n_photos=len(hands.labels),
            dropped=DroppedRows.of(Path("synthetic"), np.full(len(hands.labels), ""), hands.labels, hands.signers, {}),
            labels_lost=(),
            ignored=(),
        ),
    )


def _check_seeds(exam: Test, training_seed: int) -> None:
    if exam.seed == training_seed:
        raise PipelineError(
            f"params.yaml: test.seed and synthesize.seed are both {exam.seed}, so the networks were trained on the "
            "signers of the exam. Choose another test.seed and run again."
        )
