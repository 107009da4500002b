"""Samples of several raw files to one data set, and a report on what became of every row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stages.data.duplicates import group_duplicates
from stages.data.preprocess_report import PreprocessReport, SplitReport
from stages.data.processed import Processed, Split
from stages.data.splits import divide, rows_to_group
from stages.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from stages.data.cleaning import Samples


def prepare(
    files: Sequence[Samples], *, validation: float, seed: int, where: str
) -> tuple[Processed, PreprocessReport]:
    """Join files, divide them and number the labels in sorted order.

    Near-duplicates (see `group_duplicates`) are kept on one side if their signer is not named.

    Args:
        files: usable samples, one entry a raw file; all landmarks (or photographs) or all masks.
        validation: share kept for validation, 0 to 1.
        seed: of the division.
        where: path for the errors.

    Returns:
        The data set, and the report for `reports/preprocess.json`.

    Raises:
        InputError: some files hold masks and others landmarks, or the samples cannot be divided (see `divide`).
    """
    _check_kinds(files)
    labels = np.concatenate([samples.labels for samples in files])
    signers = np.concatenate([samples.signers for samples in files])
    names, classes = np.unique(labels, return_inverse=True)
    # A data set of masks is large: do not copy a single file.
    drawable = files[0].drawable if len(files) == 1 else np.concatenate([samples.drawable for samples in files])
    rows = rows_to_group(labels, signers)
    groups = group_duplicates(drawable, classes, rows) if rows.any() else None
    division = divide(labels, signers, groups=groups, validation=validation, seed=seed, where=where)
    train, held_out = (
        Split(drawable[rows], classes[rows], signers[rows]) for rows in (~division.validation, division.validation)
    )
    report = PreprocessReport(
        files=[samples.report for samples in files],
        rows=sum(samples.report.rows for samples in files),
        kept=len(labels),
        split=division.method,
        groups=division.groups,
        labels_undivided=list(division.undivided),
        kind=train.kind,
        classes=names.tolist(),
        labels_lost=sorted({label for samples in files for label in samples.report.labels_lost} - set(names.tolist())),
        train=_split_report(train, names),
        validation=_split_report(held_out, names),
    )
    return Processed(train, held_out, tuple(names.tolist())), report


def _check_kinds(files: Sequence[Samples]) -> None:
    masks = [samples.report for samples in files if samples.drawable.ndim == 4]
    others = [samples.report for samples in files if samples.drawable.ndim == 3]
    if masks and others:
        raise InputError(
            f"{masks[0].path}: has masks, but {others[0].path} has {others[0].kind}; a data set has one or the other. "
            "Keep them in separate folders and name one as preprocess.raw."
        )


def _split_report(split: Split, names: npt.NDArray[np.str_]) -> SplitReport:
    counts = dict(zip(names.tolist(), np.bincount(split.classes, minlength=len(names)).tolist(), strict=True))
    return SplitReport(
        samples=len(split),
        signers=len(set(split.signers.tolist()) - {""}),
        signer_unknown=int((split.signers == "").sum()),
        per_class={name: count for name, count in counts.items() if count},
        labels_missing=[name for name, count in counts.items() if not count],
    )
