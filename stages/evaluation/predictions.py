"""Predictions: what a network predicts for every set, made once and kept in files for all who score them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from pydantic import BaseModel, ValidationError

from stages.data.archive import read_arrays, write_archive
from stages.data.processed import PROCESSED, data_hash, read_processed
from stages.errors import InputError
from stages.evaluation.networks import load_network, predict, predict_outputs
from stages.evaluation.personal import SAMPLES, personalise, split_signer
from stages.evaluation.sets import (
    NON_LETTERS,
    TEST_SETS,
    UNSEEN,
    VALIDATION,
    TestSets,
    prepared_files,
    unseen_files,
    validation_set,
)
from stages.files import atomic_folder, content_hash, write_text
from stages.labels import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from stages.evaluation.networks import Network
    from stages.evaluation.sets import EvaluationSet

PREDICTIONS: Final = Path("data/predictions")
PERSONAL: Final = "personal"
"""Folders of predictions with 0, 1, 3 and 5 samples of each letter by the signer begin with it."""
NO_HAND: Final = ""
"""The prediction for a photograph in which no hand was found; no label is empty."""
INDEX: Final = "index.json"
ARRAYS: Final = ("classes", "probabilities", "labels", "signers", "n_photos")


@dataclass(frozen=True)
class Predictions:
    """What one network predicts for one set: R rows, of which the N with a hand come first."""

    classes: tuple[str, ...]
    """C labels in the order of the probabilities."""
    probabilities: npt.NDArray[np.floating[Any]]
    """(N, C)."""
    labels: npt.NDArray[np.str_]
    """(R,) true labels."""
    signers: npt.NDArray[np.str_]
    """(R,) text, "" if unknown."""
    n_photos: int
    """Photographs tried, at least R: those beyond R had no hand in them, and nobody knows which letters they showed."""

    @cached_property
    def predicted(self) -> npt.NDArray[np.str_]:
        """(R,) predicted labels; `NO_HAND` if none was found."""
        known = np.asarray(self.classes, dtype=np.str_)
        return np.concatenate([known[self.probabilities.argmax(axis=1)], np.full(self._missed, NO_HAND)])

    @cached_property
    def confidence(self) -> npt.NDArray[np.float64]:
        """(R,) probabilities of the predicted labels; 0 if no hand was found."""
        return np.concatenate([self.probabilities.max(axis=1).astype(np.float64), np.zeros(self._missed)])

    @cached_property
    def p_letter(self) -> npt.NDArray[np.float64]:
        """(R,) probability that the hand shows any letter: all but that of `nothing`; 0 if no hand was found."""
        nothing = self.probabilities[:, np.asarray(self.classes) == NOTHING].sum(axis=1, dtype=np.float64)
        return np.concatenate([1.0 - nothing, np.zeros(self._missed)])

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(R,) whether the predicted label is the true one; a label that the network does not know never is."""
        return np.asarray(self.predicted == self.labels)

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """(R,) whether a hand was found."""
        return np.asarray(self.predicted != NO_HAND)

    @property
    def accuracy(self) -> float:
        """Share of the photographs tried that were classified correctly."""
        return float(self.correct.sum() / self.n_photos)

    @property
    def signer_ids(self) -> npt.NDArray[np.int64]:
        """(R,) number of the signer; 0 throughout if signers are unknown."""
        ids: npt.NDArray[np.int64] = np.unique(self.signers, return_inverse=True)[1].astype(np.int64)
        return ids

    @property
    def _missed(self) -> int:
        return len(self.labels) - len(self.probabilities)

    def without(self, rows: npt.NDArray[np.bool_]) -> Self:
        """Leave rows out, and their share of the photographs whose letters nobody knows.

        Args:
            rows: (R,) which ones; not all.
        """
        kept = ~rows
        unknown = round((self.n_photos - len(kept)) * float(kept.mean()))
        found = self.probabilities[kept[: len(self.probabilities)]]
        return type(self)(self.classes, found, self.labels[kept], self.signers[kept], int(kept.sum()) + unknown)

    def write(self, path: Path) -> None:
        """Write the predictions as an `.npz` that has the same bytes every time."""
        classes, n_photos = np.asarray(self.classes, dtype=np.str_), np.asarray(self.n_photos)
        arrays = (classes, self.probabilities, self.labels, self.signers, n_photos)
        write_archive(path, dict(zip(ARRAYS, arrays, strict=True)))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read predictions that `write` wrote.

        Raises:
            InputError: the file is missing, damaged or holds something else.
        """
        classes, probabilities, labels, signers, n_photos = read_arrays(path, ARRAYS, "predict")
        return cls(tuple(classes.tolist()), probabilities, labels, signers, int(n_photos))


Personal = dict[int, dict[str, Predictions]]
"""Predictions for the last half of each signer's samples, by the number of samples of a letter that the signer has
enrolled, and by source."""


@dataclass(frozen=True)
class SignerPredictions:
    """What one network predicts for unseen signers."""

    unseen: dict[str, Predictions]
    """By source; the reference cannot predict a source of ready-made masks."""
    non_letters: Predictions
    """Hands that show no letter."""
    personal: Personal = field(default_factory=dict)
    """With a signer's own samples; empty if the network has no features or nobody has samples enough."""


@dataclass(frozen=True)
class NetworkPredictions:
    """What one network predicts for all sets."""

    validation: Predictions
    signers: SignerPredictions


class Index(BaseModel, frozen=True):
    """Which model predicted which sets: predictions of another file, or for other sets, are not used."""

    model_hash: str
    """SHA-256 of the model's file."""
    sets: dict[str, str]
    """Hash of each set by its name."""


def predict_set(network: Network, evaluation_set: EvaluationSet) -> Predictions:
    """Predict one set."""
    probabilities = predict(network, evaluation_set.samples, f"{network.architecture} {evaluation_set.name}")
    labels, signers = evaluation_set.labels, evaluation_set.signers
    return Predictions(network.classes, probabilities, labels, signers, evaluation_set.n_photos)


def predict_sets(network: Network, unseen: Sequence[EvaluationSet], non_letters: EvaluationSet) -> SignerPredictions:
    """Predict unseen signers: every source that is in a form which the network takes (masks cannot be undone)."""
    able = [each for each in unseen if network.input_name == "masks" or each.samples.ndim == 3]
    for each in able:
        if unknown := sorted(set(each.labels.tolist()) - set(network.classes)):
            sys.stderr.write(
                f"warning: {each.name}: {network.architecture} does not know {unknown}; these labels count as errors.\n"
            )
    predicted: dict[str, Predictions] = {}
    personal: Personal = {count: {} for count in SAMPLES}
    for each in able:
        predicted[each.name], own = _predict_signers(network, each)
        for count, predictions in own.items():
            personal[count][each.name] = predictions
    known = {count: sources for count, sources in personal.items() if sources}
    return SignerPredictions(predicted, predict_set(network, non_letters), known)


def _predict_signers(network: Network, unseen: EvaluationSet) -> tuple[Predictions, dict[int, Predictions]]:
    """Predict a set of unseen signers, and the last half of it with samples of each signer's first half."""
    description = f"{network.architecture} {unseen.name}"
    if network.prototypes is None:
        return predict_set(network, unseen), {}
    probabilities, features = predict_outputs(network, unseen.samples, description, ["probabilities", "features"])
    halves = [split_signer(unseen, signer) for signer in sorted(set(unseen.signers.tolist()) - {""})]
    halves = [half for half in halves if len(half.scored)]
    everybody = Predictions(network.classes, probabilities, unseen.labels, unseen.signers, unseen.n_photos)
    if not halves:
        return everybody, {}
    rows = np.sort(np.concatenate([half.scored for half in halves]))
    unknown = round((unseen.n_photos - len(unseen.labels)) * len(rows) / len(unseen.labels))
    found = rows[rows < len(probabilities)]
    personal = {}
    for count in SAMPLES:
        own = personalise(network, probabilities, features, unseen.labels, halves, count)
        labels, signers = unseen.labels[rows], unseen.signers[rows]
        personal[count] = Predictions(network.classes, own[found], labels, signers, len(rows) + unknown)
    return everybody, personal


def predict_all(model: Path, folder: Path) -> NetworkPredictions:
    """Let a network predict the validation split and the test sets, and keep the predictions in a folder.

    Args:
        model: an exported network.
        folder: takes the place of one with older predictions.

    Raises:
        InputError: the network or a set is missing or damaged.
    """
    network, test_sets = load_network(model), TestSets.read()
    validation = predict_set(network, validation_set(read_processed()))
    signers = predict_sets(network, test_sets.unseen, test_sets.non_letters)
    with atomic_folder(folder) as partial:
        validation.write(partial / f"{VALIDATION}.npz")
        signers.non_letters.write(partial / f"{NON_LETTERS}.npz")
        for source, predictions in signers.unseen.items():
            predictions.write(partial / UNSEEN / f"{source}.npz")
        for count, sources in signers.personal.items():
            for source, predictions in sources.items():
                predictions.write(partial / f"{PERSONAL}-{count}" / f"{source}.npz")
        index = Index(model_hash=content_hash(model), sets=set_hashes())
        write_text(partial / INDEX, index.model_dump_json(indent=2) + "\n")
    return NetworkPredictions(validation, signers)


def read_predictions(folder: Path) -> NetworkPredictions:
    """Read what `predict_all` kept.

    Raises:
        InputError: the folder is missing or a file in it is damaged.
    """
    if not (folder / INDEX).is_file():
        raise InputError(f"{folder}: there are no predictions. Run: dvc repro predict.")
    validation, non_letters = (Predictions.read(folder / f"{name}.npz") for name in (VALIDATION, NON_LETTERS))
    unseen = {path.stem: Predictions.read(path) for path in unseen_files(folder)}
    personal = {
        count: {path.stem: Predictions.read(path) for path in paths}
        for count in SAMPLES
        if (paths := sorted((folder / f"{PERSONAL}-{count}").glob("[!.]*.npz")))
    }
    return NetworkPredictions(validation, SignerPredictions(unseen, non_letters, personal))


def predictions_of(model: Path, folder: Path | None = None) -> NetworkPredictions:
    """Find the predictions of a model for the present sets by the content of its file; predict if there are none.

    Args:
        model: an exported network.
        folder: where its predictions may be besides `data/predictions/*`, and where new ones are kept.
    """
    wanted = Index(model_hash=content_hash(model), sets=set_hashes())
    folder = folder or PREDICTIONS / f"proposed-{wanted.model_hash[:12]}"
    for each in [*sorted(PREDICTIONS.glob("*")), folder]:
        try:
            index = Index.model_validate_json((each / INDEX).read_bytes())
        except (OSError, ValidationError):
            continue
        if index == wanted:
            return read_predictions(each)
    return predict_all(model, folder)


def set_hashes() -> dict[str, str]:
    """Hash every set that `predict_all` predicts, by its name.

    Raises:
        InputError: there are no test sets or no processed data.
    """
    hashes = {path.relative_to(TEST_SETS).as_posix(): content_hash(path) for path in prepared_files()}
    return hashes | {VALIDATION: data_hash(PROCESSED)}
