"""How strangers are read when real hands are trained on beside synthetic ones: each source in turn is left out.

`make leave-one-out DATA="one.npz two.npz"` runs it, after `make repro`. Nothing that it trains is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from safetensors.torch import load_file

from stages.data.processed import Processed, Split, read_processed
from stages.errors import PipelineError, run_door
from stages.evaluation.calibration import mean_of_views
from stages.evaluation.test_scores import answer
from stages.evaluation.test_sets import read_strangers
from stages.files import write_text
from stages.models.build import build_network
from stages.params import Augment, Phase, Preprocess, Reference, Train, read_params
from stages.training.calibration import view_logits
from stages.training.fit import fit
from stages.training.reference import fit_reference
from stages.training.reference import view_logits as reference_logits

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from stages.data.cleaning import Samples

ARCHITECTURE: Final = "custom_cnn"
WEIGHTS: Final = Path("models") / ARCHITECTURE / "weights.safetensors"
REPORT: Final = Path("reports/leave_one_out.json")
EPOCHS: Final = 4


def main() -> None:
    """Print and write the accuracy on each source of networks that saw all the others, and the means."""
    parser = argparse.ArgumentParser(description="Train on real and synthetic hands, leave one source out.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.npz", help="raw data sets of people, two or more")
    parser.add_argument("--views", type=int, default=40000, help="views that the CNN is trained on for each source")
    options = parser.parse_args()
    if len(options.files) < 2:
        raise PipelineError("One source alone leaves none to train on. Name two or more raw .npz files.")
    sources = dict(read_strangers(options.files, read_params(Preprocess)))
    synthetic = read_processed()
    schedule = [
        Phase(epochs=EPOCHS - 1, image_size=56, views=options.views // (EPOCHS - 1), precision="bf16"),
        Phase(epochs=1, image_size=224, views=300, precision="bf16"),
    ]
    accuracies: dict[str, dict[str, float]] = {"landmark_mlp": {}, ARCHITECTURE: {}}
    for name, stranger in sources.items():
        data = atomic_write(synthetic, [samples for other, samples in sources.items() if other != name])
        for network, probabilities in (
            ("landmark_mlp", read_by_reference(data, stranger)),
            (ARCHITECTURE, read_by_network(data, stranger, schedule)),
        ):
            given = answer(
                probabilities, stranger.labels, data.class_names, stranger.signers, stranger.n_photos or stranger.rows
            )
            accuracies[network][name] = round(given.accuracy, 4)
        sys.stdout.write(f"{name}: " + ", ".join(f"{each} {of[name]:.3f}" for each, of in accuracies.items()) + "\n")
    marks = {
        network: {"mean": round(float(np.mean(list(of.values()))), 4), "sources": of}
        for network, of in accuracies.items()
    }
    write_text(REPORT, json.dumps(marks | {"views": options.views}, indent=2) + "\n")
    sys.stdout.write("mean: " + ", ".join(f"{network} {of['mean']:.3f}" for network, of in marks.items()) + "\n")


def atomic_write(synthetic: Processed, sources: Sequence[Samples]) -> Processed:
    """Put real hands beside the synthetic ones to train on: as many of them, the same number from each source."""
    train, share = synthetic.train, len(synthetic.train) // len(sources)
    landmarks, classes = [train.landmarks], [train.classes]
    for samples in sources:
        rows = np.resize(np.arange(len(samples.labels)), share)
        landmarks.append(hands_of(samples)[rows])
        classes.append(indices(samples, synthetic.class_names)[rows])
    together = Split(
        landmarks=np.concatenate([hands for hands in landmarks if hands is not None]),
        masks=None,
        classes=np.concatenate(classes),
        signers=np.full(sum(map(len, classes)), ""),
    )
    return replace(synthetic, train=together)


def read_by_reference(data: Processed, stranger: Samples) -> npt.NDArray[np.floating]:
    """Train the landmark MLP as the stage does and let it read."""
    assert data.train.landmarks is not None  # noqa: S101 - `beside` made them
    network = fit_reference(
        data.train.landmarks, data.train.classes, len(data.class_names), read_params(Reference), read_params(Augment)
    )
    return mean_of_views(reference_logits(network, hands_of(stranger)), 1.0)


def read_by_network(data: Processed, stranger: Samples, schedule: list[Phase]) -> npt.NDArray[np.floating]:
    """Go on training the network that the pipeline trained on synthetic hands and let it read."""
    if not WEIGHTS.is_file():
        raise PipelineError(f"{WEIGHTS} is missing. Train it first: make repro")
    train = read_params(Train)
    network = build_network(ARCHITECTURE, len(data.class_names), train.dropout)
    network.load_state_dict(load_file(WEIGHTS))
    with tempfile.TemporaryDirectory() as scratch:
        fit(network, data, schedule, train, read_params(Augment), Path(scratch) / "run")
    seen = Split(hands_of(stranger), None, indices(stranger, data.class_names), stranger.signers)
    return mean_of_views(view_logits(network, seen, train.batch_size), 1.0)


def hands_of(samples: Samples) -> npt.NDArray[np.float32]:
    """Return the landmarks (N, 21, 3) of a source."""
    if samples.landmarks is None:
        raise PipelineError(f"{samples.path}: it holds masks. Name raw files of photographs or landmarks.")
    return samples.landmarks


def indices(samples: Samples, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the class indices (N,) of a source's labels."""
    if unknown := sorted(set(samples.labels.tolist()) - set(names)):
        raise PipelineError(f"{samples.path}: {unknown} are no labels of the synthetic hands. Leave those rows out.")
    return np.searchsorted(np.asarray(names), samples.labels)


if __name__ == "__main__":
    run_door(main)
