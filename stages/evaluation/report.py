"""The report on one trained network: every file of `reports/<architecture>/`, made in memory."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from stages.errors import InputError
from stages.evaluation import plots, scores

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

CURVES: Final = ("epoch", "image_size", "lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
"""Columns of `history.csv`."""
MEASURED: Final = CURVES[:5]
"""Those that every epoch has; an epoch without validation lacks the others."""
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


def calibration_numbers(
    scored: scores.Scores, uncalibrated: scores.Scores, temperature: float, samples: int
) -> dict[str, float]:
    """Put scores next to what temperature did to them.

    Args:
        scored: scores on the validation samples.
        uncalibrated: what they would be at temperature 1.
        temperature: that the network divides its logits by.
        samples: validation samples.
    """
    numbers = asdict(scored) | {
        "loss_uncalibrated": uncalibrated.loss,
        "ece_uncalibrated": uncalibrated.ece,
        "temperature": temperature,
    }
    return {name: round(value, DECIMALS) for name, value in numbers.items()} | {"samples": samples}


def speed_numbers(latencies: npt.NDArray[np.float64], size_bytes: int) -> dict[str, float]:
    """Summarise (runs,) milliseconds for one mask, and the size of the model file."""
    numbers = {
        "latency_ms_median": float(np.median(latencies)),
        "latency_ms_p95": float(np.percentile(latencies, 95)),
        "size_mib": size_bytes / 2**20,
    }
    return {name: round(value, DECIMALS) for name, value in numbers.items()}


def build_report(
    *,
    architecture: str,
    labels: Sequence[str],
    probabilities: npt.NDArray[np.float32],
    uncalibrated: npt.NDArray[np.float64],
    classes: npt.NDArray[np.int64],
    mistakes: npt.NDArray[np.int64],
    mistaken_masks: npt.NDArray[np.uint8],
    history: pd.DataFrame,
    metrics: dict[str, float],
    calibration_bins: int,
) -> dict[str, bytes]:
    """Make every file of the report.

    Args:
        architecture: named in the titles.
        labels: C labels in the order of the probabilities.
        probabilities: (N, C).
        uncalibrated: (N, C), what they would be at temperature 1.
        classes: (N,) true class indices.
        mistakes: (M,) rows of the worst mistakes, worst first.
        mistaken_masks: (M, H, W, 3) uint8 RGB, the masks of those rows.
        history: what `read_history` returned.
        metrics: the numbers that networks are compared by.
        calibration_bins: bins of the reliability diagram.

    Returns:
        Contents by file name; the same arguments give the same bytes.
    """
    letters = scores.letter_scores(probabilities, classes, labels)
    names = np.asarray(labels, dtype=np.str_)
    actual, predicted = names[classes], names[probabilities.argmax(axis=1)]
    captions = [f"true {actual[row]}\npredicted {predicted[row]}  {probabilities[row].max():.2f}" for row in mistakes]
    after, before = (
        scores.reliability(each.max(axis=1), each.argmax(axis=1) == classes, calibration_bins)
        for each in (probabilities, uncalibrated)
    )
    confusion = scores.confusion(actual, predicted, labels, labels)
    pairs = pd.DataFrame({"actual": actual, "predicted": predicted})
    return {
        "metrics.json": (json.dumps(metrics, indent=2) + "\n").encode(),
        "per_letter.csv": letters.to_csv(float_format="%.4f", lineterminator="\n").encode(),
        "confusion.csv": pairs.to_csv(index=False, lineterminator="\n").encode(),
        "confusion.png": plots.plot_confusion(confusion, f"{architecture}: predicted letters"),
        "curves.png": plots.plot_curves(history, f"{architecture}: training"),
        "calibration.png": plots.plot_calibration(after, f"{architecture}: calibration", before),
        "per_letter.png": plots.plot_letters(letters, metrics["f1"], f"{architecture}: F1 of each letter"),
        "mistakes.png": plots.plot_mistakes(mistaken_masks, captions, f"{architecture}: worst mistakes"),
    }
