"""Accuracy on unseen signers after training on real and synthetic hands: each source in turn is left out.

`make leave-one-out DATA="one.npz two.npz"` runs it, after `make repro`. The trained networks are not kept.
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

from client.mask import MASK_SIZE
from stages.data.processed import Processed, Split, read_processed
from stages.errors import InputError, run_door
from stages.evaluation.calibration import mean_with_mirror
from stages.evaluation.predictions import Predictions
from stages.evaluation.test_sets import read_sets
from stages.files import write_text
from stages.models.build import build_network
from stages.params import Augment, Phase, Preprocess, Reference, Train, read_params
from stages.training.calibration import mirrored_logits
from stages.training.fit import fit
from stages.training.reference import fit_reference
from stages.training.reference import mirrored_logits as reference_logits

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from stages.evaluation.sets import EvaluationSet

ARCHITECTURE: Final = "custom_cnn"
WEIGHTS: Final = Path("models") / ARCHITECTURE / "weights.safetensors"
REPORT: Final = Path("reports/leave_one_out.json")
EPOCHS: Final = 4


def main() -> None:
    """Print and write the accuracy on each source of networks that saw all the others, and the means."""
    parser = argparse.ArgumentParser(description="Train on real and synthetic hands, leave one source out.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.npz", help="raw data sets of people, two or more")
    parser.add_argument("--samples", type=int, default=40000, help="augmented samples to train the CNN on")
    options = parser.parse_args()
    if len(options.files) < 2:
        raise InputError("One source alone leaves none to train on. Name two or more raw .npz files.")
    sources = {each.name: each for each in read_sets(options.files, read_params(Preprocess))}
    synthetic = read_processed()
    schedule = [
        Phase(epochs=EPOCHS - 1, image_size=56, samples=options.samples // (EPOCHS - 1), precision="bf16"),
        Phase(epochs=1, image_size=MASK_SIZE, samples=300, precision="bf16"),
    ]
    accuracies: dict[str, dict[str, float]] = {"landmark_mlp": {}, ARCHITECTURE: {}}
    for name, source in sources.items():
        data = with_real_hands(synthetic, [each for each in sources.values() if each.name != name])
        for network, probabilities in (
            ("landmark_mlp", predict_by_reference(data, source)),
            (ARCHITECTURE, predict_by_network(data, source, schedule)),
        ):
            given = Predictions(data.class_names, probabilities, source.labels, source.signers, source.n_photos)
            accuracies[network][name] = round(given.accuracy, 4)
        sys.stdout.write(f"{name}: " + ", ".join(f"{each} {of[name]:.3f}" for each, of in accuracies.items()) + "\n")
    scores = {
        network: {"mean": round(float(np.mean(list(of.values()))), 4), "sources": of}
        for network, of in accuracies.items()
    }
    write_text(REPORT, json.dumps(scores | {"samples": options.samples}, indent=2) + "\n")
    sys.stdout.write("mean: " + ", ".join(f"{network} {of['mean']:.3f}" for network, of in scores.items()) + "\n")


def with_real_hands(synthetic: Processed, sources: Sequence[EvaluationSet]) -> Processed:
    """Add real hands to the synthetic ones for training: as many of them, the same number from each source."""
    train, share = synthetic.train, len(synthetic.train) // len(sources)
    landmarks, classes = [train.samples], [train.classes]
    for source in sources:
        rows = np.resize(np.arange(len(source.samples)), share)
        landmarks.append(hands_of(source)[rows])
        classes.append(indices(source, synthetic.class_names)[rows])
    together = Split(
        samples=np.concatenate(landmarks),
        classes=np.concatenate(classes),
        signers=np.full(sum(map(len, classes)), ""),
    )
    return replace(synthetic, train=together)


def predict_by_reference(data: Processed, source: EvaluationSet) -> npt.NDArray[np.floating]:
    """Train the landmark MLP as the stage does; return its probabilities for a source."""
    network = fit_reference(
        data.train.samples, data.train.classes, len(data.class_names), read_params(Reference), read_params(Augment)
    )
    return mean_with_mirror(reference_logits(network, hands_of(source)), 1.0)


def predict_by_network(data: Processed, source: EvaluationSet, schedule: list[Phase]) -> npt.NDArray[np.floating]:
    """Train the pipeline's network further; return its probabilities for a source."""
    if not WEIGHTS.is_file():
        raise InputError(f"{WEIGHTS} is missing. Train it first: make repro")
    train = read_params(Train)
    network = build_network(ARCHITECTURE, len(data.class_names), train.dropout)
    network.load_state_dict(load_file(WEIGHTS))
    with tempfile.TemporaryDirectory() as scratch:
        fit(network, data, schedule, train, read_params(Augment), Path(scratch) / "run")
    unseen = Split(hands_of(source), indices(source, data.class_names), source.signers[: len(source.samples)])
    return mean_with_mirror(mirrored_logits(network, unseen, train.batch_size), 1.0)


def hands_of(source: EvaluationSet) -> npt.NDArray[np.float32]:
    """Return the landmarks (N, 21, 3) of a source."""
    if source.samples.ndim != 3:
        raise InputError(f"{source.name}: it holds masks. Name raw files of photographs or landmarks.")
    return source.samples


def indices(source: EvaluationSet, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the class indices (N,) of the hands found in a source."""
    labels = source.labels[: len(source.samples)]
    if unknown := sorted(set(labels.tolist()) - set(names)):
        raise InputError(f"{source.name}: {unknown} are not labels of the synthetic hands. Leave those rows out.")
    return np.searchsorted(np.asarray(names), labels)


if __name__ == "__main__":
    run_door(main)
