"""The report of preprocessing, `reports/preprocess.json`: what became of every row."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from stages.data.layouts import Kind
from stages.data.splits import Method
from stages.files import read_model
from stages.labels import WORDS

REPORT: Final = Path("reports/preprocess.json")
CONFIG: Final = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class FileReport(BaseModel, **CONFIG):
    """The rows of one raw file."""

    path: str
    kind: Kind
    rows: int
    n_photos: int | None
    """Photographs tried, including those without a hand; None if the file does not say."""
    kept: int
    dropped: dict[str, int]
    """Rows dropped, by reason."""
    labels_lost: list[str]
    """Labels of the file without any usable row."""
    ignored: list[str]
    """Arrays of the file that are not part of a raw data set."""
    hint: str = ""
    """Why hands may not have been found in most of its photographs; "" if they were."""


class SplitReport(BaseModel, **CONFIG):
    """What training or validation holds."""

    samples: int
    signers: int
    """Known signers."""
    signer_unknown: int
    """Samples of unknown signers."""
    per_class: dict[str, int]
    """Samples by label; labels without samples are left out."""
    labels_missing: list[str]


class PreprocessReport(BaseModel, **CONFIG):
    """All files and both splits."""

    data_hash: str = ""
    """Of `data/processed/`, as every model that is trained on it carries it; "" if the report is older than that."""
    files: list[FileReport]
    rows: int
    kept: int
    split: Method
    groups: int | None
    """Groups of unnamed near-duplicates that were divided; None if all signers are named."""
    labels_undivided: list[str]
    """Labels of several samples that are all near-duplicates of each other: they are in training only."""
    kind: Kind
    """Landmarks or masks: what the networks are trained on."""
    classes: list[str]
    labels_lost: list[str]
    """Labels without any usable row in any file."""
    train: SplitReport
    validation: SplitReport

    @classmethod
    def read(cls, path: Path = REPORT) -> Self:
        """Read the report.

        Raises:
            InputError: the file is missing or damaged.
        """
        return read_model(cls, path, "dvc repro preprocess")

    def summary(self) -> str:
        """The few lines that the stage prints."""
        lines = [line for file in self.files for line in _file_lines(file)]
        if words := [f"'{name}'" for name in self.classes if len(name) > 1 and name not in WORDS]:
            lines.append(
                f"warning: {', '.join(words[:6])}{' and more' if len(words) > 6 else ''}: labels of more than one "
                "character, which the clients write as they are. If they name letters, write the letters alone"
            )
        if self.labels_lost:
            lines.append(f"warning: no sample of {', '.join(self.labels_lost)} could be used; no model will know it")
        lines += [*_split_lines("train", self.train), *_split_lines("validation", self.validation)]
        if self.labels_undivided:
            lines.append(
                f"warning: all samples of {', '.join(self.labels_undivided)} are near-duplicates of each other, so "
                "they are in training only"
            )
        meaning = {
            "by signer": "no signer is on both sides",
            "by signer, unnamed rows by near-duplicates": "no named signer is on both sides; somebody whose rows have "
            f"no name may be, but no near-duplicates ({self.groups} groups that are near no named signer)",
            "stratified": "one signer's photographs may be on both sides, but no near-duplicates "
            f"({self.groups} groups in {self.kept} samples)",
        }[self.split]
        return "\n".join([*lines, f"split {self.split}: {meaning}"]) + "\n"


def _file_lines(file: FileReport) -> list[str]:
    dropped = ", ".join(f"{count} {reason}" for reason, count in file.dropped.items()) or "none dropped"
    lines = [f"{file.path}: {file.kept} of {file.rows} {file.kind} kept ({dropped})"]
    if file.ignored:
        lines.append(f"{file.path}: not read: {', '.join(file.ignored)}")
    if file.hint:
        lines.append(f"warning: {file.path}: in most of its photographs no hand was found. {file.hint}")
    return lines


def _split_lines(side: str, split: SplitReport) -> list[str]:
    people = f"{split.signers} known signer{'' if split.signers == 1 else 's'}"
    unknown = f", {split.signer_unknown} samples of unknown signers" if split.signer_unknown else ""
    lines = [f"{side}: {split.samples} samples of {len(split.per_class)} labels, {people}{unknown}"]
    if split.labels_missing:
        lines.append(f"warning: {side} has no sample of {', '.join(split.labels_missing)}")
    return lines
