"""Samples of several raw files to one data set and a report on where every row went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stages.data.duplicates import group_duplicates
from stages.data.processed import Processed, Split
from stages.data.splits import Division, are_known, divide
from stages.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from stages.data.cleaning import Samples


def prepare(files: Sequence[Samples], *, validation: float, seed: int, where: str) -> tuple[Processed, dict[str, Any]]:
    """Join files, divide them and number the labels in sorted order.

    Where signers are unknown, near-duplicates (see `group_duplicates`) are kept on one side.

    Args:
        files: usable samples, one entry a raw file; all landmarks (or photographs) or all masks.
        validation: share kept for validation, 0 to 1.
        seed: of the division.
        where: path for the errors.

    Returns:
        The data set, and a report of plain values for `reports/preprocess.json`.

    Raises:
        PipelineError: masks stand beside landmarks, or the samples cannot be divided (see `divide`).
    """
    _check_kinds(files)
    labels = np.concatenate([samples.labels for samples in files])
    signers = np.concatenate([samples.signers for samples in files])
    names, classes = np.unique(labels, return_inverse=True)
    landmarks = _joined([samples.landmarks for samples in files])
    masks = _joined([samples.masks for samples in files])
    groups = None
    if not are_known(signers):
        shapes = landmarks if landmarks is not None else masks
        assert shapes is not None  # noqa: S101 - a file has one or the other
        groups = group_duplicates(shapes, classes.astype(np.int64))
    division = divide(labels, signers, groups=groups, validation=validation, seed=seed, where=where)
    sides = (~division.validation, division.validation)
    train, held_out = (_split(landmarks, masks, classes.astype(np.int64), signers, rows) for rows in sides)
    processed = Processed(train, held_out, tuple(names.tolist()))
    return processed, report(files, division, processed)


def report(files: Sequence[Samples], division: Division, processed: Processed) -> dict[str, Any]:
    """Account for every row: per file what was kept and why the rest was dropped, per split what it holds."""
    kept = set(processed.class_names)
    return {
        "files": [_file_report(samples) for samples in files],
        "rows": sum(samples.rows for samples in files),
        "kept": len(processed.train) + len(processed.validation),
        "split": division.method,
        "groups": division.groups,
        "labels_undivided": list(division.undivided),
        "kind": "landmarks" if processed.train.landmarks is not None else "masks",
        "classes": list(processed.class_names),
        "labels_lost": sorted({label for samples in files for label in samples.labels_lost} - kept),
        "train": _split_report(processed.train, processed.class_names),
        "validation": _split_report(processed.validation, processed.class_names),
    }


def summarise(report: dict[str, Any]) -> str:
    """Put a report into the few lines that the stage prints."""
    lines = []
    for file in report["files"]:
        dropped = ", ".join(f"{count} {reason}" for reason, count in file["dropped"].items()) or "none dropped"
        lines.append(f"{file['path']}: {file['kept']} of {file['rows']} {file['kind']} kept ({dropped})")
        if file["ignored"]:
            lines.append(f"{file['path']}: not read: {', '.join(file['ignored'])}")
    if report["labels_lost"]:
        lines.append(f"warning: no sample of {', '.join(report['labels_lost'])} could be used; no model will know it")
    for side in ("train", "validation"):
        split = report[side]
        people = f"{split['signers']} known signer{'' if split['signers'] == 1 else 's'}"
        unknown = f", {split['signer_unknown']} samples of unknown signers" if split["signer_unknown"] else ""
        lines.append(f"{side}: {split['samples']} samples of {len(split['per_class'])} labels, {people}{unknown}")
        if split["labels_missing"]:
            lines.append(f"warning: {side} has no sample of {', '.join(split['labels_missing'])}")
    if report["labels_undivided"]:
        lines.append(
            f"warning: all samples of {', '.join(report['labels_undivided'])} are near-duplicates of each other, so "
            "they are in training only"
        )
    meaning = "no signer is on both sides"
    if report["split"] == "stratified":
        meaning = (
            "one signer's photographs may stand on both sides, but no near-duplicates "
            f"({report['groups']} groups in {report['kept']} samples)"
        )
    lines.append(f"split {report['split']}: {meaning}")
    return "\n".join(lines) + "\n"


def _check_kinds(files: Sequence[Samples]) -> None:
    masks = [samples for samples in files if samples.masks is not None]
    others = [samples for samples in files if samples.masks is None]
    if masks and others:
        raise PipelineError(
            f"{masks[0].path}: has masks, but {others[0].path} has {others[0].kind}; a data set has one or the other. "
            "Keep them in separate folders and name one as preprocess.raw."
        )


def _joined(arrays: list[npt.NDArray[Any] | None]) -> npt.NDArray[Any] | None:
    present = [array for array in arrays if array is not None]
    if len(present) == 1:
        return present[0]  # a data set of masks is large; one file is not worth a copy
    return np.concatenate(present) if present else None


def _split(
    landmarks: npt.NDArray[np.float32] | None,
    masks: npt.NDArray[np.uint8] | None,
    classes: npt.NDArray[np.int64],
    signers: npt.NDArray[np.str_],
    rows: npt.NDArray[np.bool_],
) -> Split:
    return Split(
        landmarks=None if landmarks is None else landmarks[rows],
        masks=None if masks is None else masks[rows],
        classes=classes[rows],
        signers=signers[rows],
    )


def _file_report(samples: Samples) -> dict[str, Any]:
    return {
        "path": samples.path.as_posix(),
        "kind": samples.kind,
        "rows": samples.rows,
        "n_photos": samples.n_photos,
        "kept": len(samples.labels),
        "dropped": samples.dropped.counts(),
        "labels_lost": list(samples.labels_lost),
        "ignored": list(samples.ignored),
    }


def _split_report(split: Split, names: tuple[str, ...]) -> dict[str, Any]:
    counts = np.bincount(split.classes, minlength=len(names)).tolist()
    return {
        "samples": len(split),
        "signers": len(set(split.signers.tolist()) - {""}),
        "signer_unknown": int((split.signers == "").sum()),
        "per_class": {name: count for name, count in zip(names, counts, strict=True) if count},
        "labels_missing": [name for name, count in zip(names, counts, strict=True) if not count],
    }
