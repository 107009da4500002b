"""The report on one trained network: every file of `reports/<architecture>/`, made in memory."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Final

import numpy as np

from stages.errors import PipelineError
from stages.evaluation import plots, scores

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy.typing as npt

CURVES: Final = ("epoch", "image_size", "lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
"""Columns of `history.csv`."""
DECIMALS: Final = 6


def read_history(path: Path) -> dict[str, npt.NDArray[np.float64]]:
    """Read the training curves: arrays of (epochs,) by column, NaN where a cell is empty.

    Raises:
        PipelineError: the file is missing, has no rows, lacks a column or holds what is no number.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        columns = {name: np.array([float("nan" if row[name] == "" else row[name]) for row in rows]) for name in CURVES}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PipelineError(f"{path}: the training curves cannot be read ({error}). Run: dvc repro train.") from None
    if not rows:
        raise PipelineError(f"{path}: there are no epochs in it. Run: dvc repro train.")
    return columns


def calibration_json(scored: scores.Scores, uncalibrated: scores.Scores, temperature: float) -> dict[str, float]:
    """Put scores beside what temperature did to them.

    Args:
        scored: scores on the validation samples.
        uncalibrated: what they would be at temperature 1.
        temperature: that the network divides its logits by.
    """
    numbers = scored.as_dict() | {
        "loss_uncalibrated": uncalibrated.loss,
        "ece_uncalibrated": uncalibrated.ece,
        "temperature": temperature,
    }
    return {name: round(value, DECIMALS) for name, value in numbers.items()}


def metrics_json(
    calibrated: dict[str, float], latencies: npt.NDArray[np.float64], size_bytes: int, samples: int
) -> dict[str, float]:
    """Put the numbers that networks are compared by into one flat mapping.

    Args:
        calibrated: what `calibration_json` gave.
        latencies: (runs,) milliseconds for one mask.
        size_bytes: size of the model file.
        samples: validation samples.
    """
    numbers = {
        "latency_ms_median": float(np.median(latencies)),
        "latency_ms_p95": float(np.percentile(latencies, 95)),
        "size_mib": size_bytes / 2**20,
    }
    return calibrated | {name: round(value, DECIMALS) for name, value in numbers.items()} | {"samples": samples}


def build_report(
    *,
    architecture: str,
    labels: Sequence[str],
    probabilities: npt.NDArray[np.float32],
    uncalibrated: npt.NDArray[np.float64],
    classes: npt.NDArray[np.int64],
    mistakes: npt.NDArray[np.int64],
    mistaken_masks: npt.NDArray[np.uint8],
    history: dict[str, npt.NDArray[np.float64]],
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
        history: what `read_history` gave.
        metrics: what `metrics_json` gave.
        calibration_bins: bins of the reliability diagram.

    Returns:
        Contents by file name; the same arguments give the same bytes.
    """
    letters = scores.letter_scores(probabilities, classes)
    read = probabilities.argmax(axis=1)
    captions = [
        f"true {labels[classes[row]]} → read {labels[read[row]]}  {probabilities[row].max():.2f}" for row in mistakes
    ]
    binned, before = (scores.reliability(each, classes, calibration_bins) for each in (probabilities, uncalibrated))
    per_letter = zip(labels, letters.precision, letters.recall, letters.f1, letters.support, strict=True)
    return {
        "metrics.json": (json.dumps(metrics, indent=2) + "\n").encode(),
        "per_letter.csv": _csv(
            ("letter", "precision", "recall", "f1", "support"),
            ((name, f"{p:.4f}", f"{r:.4f}", f"{f:.4f}", n) for name, p, r, f, n in per_letter),
        ),
        "confusion.csv": _csv(
            ("actual", "predicted"), ((labels[t], labels[p]) for t, p in zip(classes, read, strict=True))
        ),
        "confusion.png": plots.plot_confusion(
            scores.confusion(probabilities, classes), labels, f"{architecture}: what was read as what"
        ),
        "curves.png": plots.plot_curves(history, f"{architecture}: training"),
        "calibration.png": plots.plot_calibration(binned, f"{architecture}: calibration", before),
        "per_letter.png": plots.plot_letters(letters, labels, metrics["f1"], f"{architecture}: F1 of each letter"),
        "mistakes.png": plots.plot_mistakes(mistaken_masks, captions, f"{architecture}: worst mistakes"),
    }


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode()
