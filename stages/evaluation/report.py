"""The numbers of one trained network on the validation split: `reports/<architecture>/`, made in memory."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from stages.errors import InputError
from stages.evaluation.scores import letter_scores, score

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

CURVES: Final = ("epoch", "image_size", "lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
"""Columns of `history.csv`."""
MEASURED: Final = CURVES[:5]
"""Those that every epoch has; an epoch without validation lacks the others."""
NUMBERS: Final = ("metrics.json", "per_letter.csv", "confusion.csv")
"""Files of numbers; the pictures beside them are drawn later."""
DECIMALS: Final = 6


def read_history(path: Path) -> pd.DataFrame:
    """Read the training curves: a row for each epoch, the columns `CURVES`, NaN if a number was not measured.

    Raises:
        InputError: the file is missing, has no rows, lacks a column or holds text.
    """
    try:
        history = pd.read_csv(path, usecols=list(CURVES), dtype=np.float64, index_col=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: the training curves cannot be read ({error}). Run: dvc repro train.") from None
    if history.empty:
        raise InputError(f"{path}: there are no epochs in it. Run: dvc repro train.")
    if history[list(MEASURED)].isna().any(axis=None):
        raise InputError(f"{path}: the training curves cannot be read (a number is missing). Run: dvc repro train.")
    return history


def read_letters(path: Path) -> pd.DataFrame:
    """Read the scores of each letter in validation, indexed by letter.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        # A letter may be called "NA" or "nan".
        return pd.read_csv(path, index_col="letter", keep_default_na=False).astype(np.float64)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}). Run: dvc repro evaluate.") from None


def validation_numbers(
    probabilities: npt.NDArray[np.floating[Any]], classes: npt.NDArray[np.int64], temperature: float
) -> dict[str, float]:
    """Score a network on the validation split.

    Nothing here depends on how sure the network is: its temperature was fitted on these very samples, so they say
    nothing about its calibration. The test does.

    Args:
        probabilities: (N, C).
        classes: (N,) true class indices.
        temperature: that the network divides its logits by.
    """
    numbers = asdict(score(probabilities, classes)) | {"temperature": temperature}
    return {name: round(value, DECIMALS) for name, value in numbers.items()} | {"samples": len(classes)}


def build_report(
    *,
    labels: Sequence[str],
    probabilities: npt.NDArray[np.floating[Any]],
    classes: npt.NDArray[np.int64],
    metrics: dict[str, float],
) -> dict[str, bytes]:
    """Make every file of numbers.

    Args:
        labels: C labels in the order of the probabilities.
        probabilities: (N, C).
        classes: (N,) true class indices.
        metrics: the numbers that networks are compared by.

    Returns:
        Contents by file name; the same arguments give the same bytes.
    """
    letters = letter_scores(probabilities, classes, labels)
    names = np.asarray(labels, dtype=np.str_)
    pairs = pd.DataFrame({"actual": names[classes], "predicted": names[probabilities.argmax(axis=1)]})
    contents = (
        json.dumps(metrics, indent=2) + "\n",
        letters.to_csv(float_format="%.4f", lineterminator="\n"),
        pairs.to_csv(index=False, lineterminator="\n"),
    )
    return {name: text.encode() for name, text in zip(NUMBERS, contents, strict=True)}
