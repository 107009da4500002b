"""The reports of the work tree against those of a commit: has a figure of the champion fallen?

Reports hold no predictions, so nothing is paired here: a figure falls if it leaves the base's interval, or a margin.
`released.py` compares two networks on the same hands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import pandas as pd
from pydantic import BaseModel, ValidationError
from scipy.stats import fisher_exact  # type: ignore[import-untyped]

from stages.errors import InputError
from stages.evaluation.people_sets import PeopleSet
from stages.evaluation.signer_scores import SignerReport, SignerScores, with_interval
from stages.files import Model, read_model
from stages.registry.results import REPORTS, TEST_REPORT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stages.params import Promote
    from stages.release.history import Base

ACCURACY_MARGIN: Final = 0.03
"""Largest fall of an accuracy on unseen signers if the base's has no interval."""
F1_MARGIN: Final = 0.02
"""Largest fall of macro F1 in validation, which has no interval: the same code, run again, moved it by up to 0.002."""
LETTERS_LEVEL: Final = 0.05
"""Chance that any letter at all seems to fall although none does."""


@dataclass(frozen=True)
class Figure:
    """One figure, before and now."""

    name: str
    base: str
    now: str
    holds: bool
    """Whether it has not fallen."""


@dataclass(frozen=True)
class Comparison:
    """All figures against one base."""

    title: str
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    """Sentences on what was not compared, and why."""

    def __str__(self) -> str:
        """A title, a Markdown table and the notes."""
        rows = [(each.name, each.base, each.now, "holds" if each.holds else "**falls**") for each in self.figures]
        table = pd.DataFrame(rows, columns=["figure", "base", "now", "verdict"])
        parts = [self.title, *([table.to_markdown(index=False, disable_numparse=True)] if rows else []), *self.notes]
        return "\n\n".join(parts) + "\n"


class ValidationMetrics(BaseModel, frozen=True):
    """What is compared of a network's `metrics.json`."""

    f1: float
    samples: int


def compare_reports(base: Base, budgets: Promote) -> Comparison:
    """Compare the champion's figures in `reports/` with those that were committed.

    Args:
        base: the commit; figures that it lacks, or has in an older format, are named in the notes.
        budgets: largest fall of a letter, largest calibration error.

    Raises:
        InputError: a report of the work tree is missing or damaged.
    """
    test = _read_now(TEST_REPORT)
    parts: list[Callable[[], list[Figure]]] = [
        lambda: _compare_signers(base, TEST_REPORT, test, budgets),
        lambda: _compare_validation(base, test),
        *(partial(_compare_people, base, kind, test, budgets) for kind in sorted(PeopleSet)),
    ]
    figures: list[Figure] = []
    notes: list[str] = []
    for part in parts:
        try:
            figures += part()
        except _IncomparableError as error:
            notes.append(str(error))
    return Comparison(f"Compared with {base.what} ({base.commit[:10]}):", tuple(figures), tuple(dict.fromkeys(notes)))


class _IncomparableError(Exception):
    """A sentence on why figures cannot be compared, which is no fall."""


def _read_now(path: Path) -> SignerReport:
    report = SignerReport.read(path)
    if report.champion not in report.networks:
        raise InputError(
            f"{path}: has no scores of its champion, {report.champion}. Run: dvc repro --force --single-item test"
        )
    return report


def _read_base(base: Base, path: Path) -> SignerReport:
    report = _parse(SignerReport, base, path)
    if report.champion not in report.networks:
        raise _IncomparableError(f"{path}: has no scores of the champion in that commit, so it is not compared.")
    return report


def _parse(model: type[Model], base: Base, path: Path) -> Model:
    text = base.read(path)
    if text is None:
        raise _IncomparableError(f"{path}: not in that commit, so it is not compared.")
    try:
        return model.model_validate_json(text)
    except ValidationError:
        raise _IncomparableError(
            f"{path}: cannot be read in that commit, which has an older format, so it is not compared."
        ) from None


def _compare_people(base: Base, kind: PeopleSet, test: SignerReport, budgets: Promote) -> list[Figure]:
    """Compare scores on people, which the pipeline does not write: they may be missing, or of an earlier champion."""
    path = kind.report
    if not path.is_file():
        raise _IncomparableError(f"{path}: not in this checkout, so it is not compared.")
    people = _read_now(path)
    if people.model_hash != test.model_hash:
        raise _IncomparableError(
            f"{path}: of another model than {TEST_REPORT}, so it is not compared. Make it again: make evaluate"
        )
    return _compare_signers(base, path, people, budgets)


def _compare_signers(base: Base, path: Path, now: SignerReport, budgets: Promote) -> list[Figure]:
    """Compare scores on unseen signers, if they are of the same test set."""
    before = _read_base(base, path)
    if _test_set(before) != _test_set(now):
        raise _IncomparableError(f"{path}: another test set than in that commit, so its figures cannot be compared.")
    old, new = before.networks[before.champion], now.networks[now.champion]
    # F1 has no interval of its own and varies as accuracy does.
    margin = old.mean - old.interval[0] if old.interval else ACCURACY_MARGIN
    return [
        Figure(
            f"{path}: accuracy",
            with_interval(old.mean, old.interval),
            with_interval(new.mean, new.interval),
            holds=_within(old.mean - new.mean, margin),
        ),
        Figure(f"{path}: macro F1", f"{old.f1:.3f}", f"{new.f1:.3f}", holds=_within(old.f1 - new.f1, margin)),
        Figure(
            f"{path}: calibration error (ECE)",
            f"{old.ece:.3f}",
            f"{new.ece:.3f}",
            holds=_within(new.ece, max(old.ece, budgets.ece)),
        ),
        _compare_letters(path, before, new, budgets.letter_fall),
    ]


def _compare_letters(path: Path, before: SignerReport, new: SignerScores, budget: float) -> Figure:
    """Look for letters that fall by more than the budget and by more than the noise.

    Photographs of one letter by one signer are near-duplicates, so each signer counts once. Fisher's exact test takes
    the signers of both reports for different people, though they are the same, so it finds large falls only: with 24
    signers it finds a fall of 40 points four times in five, and one that is none in less than 1 % of the comparisons.
    """
    old = before.networks[before.champion]
    signers = sum(max(source.signers, 1) for source in before.sources.values())
    falls = {letter: each.accuracy - new.letters[letter].accuracy for letter, each in old.letters.items()}
    fallen = []
    for letter, fall in falls.items():
        n = min(signers, old.letters[letter].n_photos)
        right = [round(each.letters[letter].accuracy * n) for each in (new, old)]
        chance = fisher_exact([[count, n - count] for count in right], alternative="less").pvalue
        if not _within(fall, budget) and chance < LETTERS_LEVEL / len(falls):
            fallen.append(letter)
    shown = fallen or [max(falls, key=lambda letter: falls[letter])]
    base, now = (", ".join(f"{letter} {each.letters[letter].accuracy:.2f}" for letter in shown) for each in (old, new))
    return Figure(f"{path}: {'letters' if fallen else 'letter with the largest fall'}", base, now, holds=not fallen)


def _compare_validation(base: Base, test: SignerReport) -> list[Figure]:
    """Compare macro F1 in validation, of champions that are networks of the pipeline."""
    path, earlier = (REPORTS / each.champion / "metrics.json" for each in (test, _read_base(base, TEST_REPORT)))
    if not path.is_file():
        raise _IncomparableError(f"{path}: not in this checkout, so macro F1 in validation is not compared.")
    new, old = read_model(ValidationMetrics, path, "dvc repro evaluate"), _parse(ValidationMetrics, base, earlier)
    if new.samples != old.samples:
        raise _IncomparableError(f"{path}: another validation split than in that commit, so it cannot be compared.")
    return [
        Figure("macro F1 in validation", f"{old.f1:.3f}", f"{new.f1:.3f}", holds=_within(old.f1 - new.f1, F1_MARGIN))
    ]


def _test_set(report: SignerReport) -> tuple[object, ...]:
    """What identifies the test set of a report."""
    sources = {name: (each.n_photos, each.signers) for name, each in report.sources.items()}
    letters = {letter: each.n_photos for letter, each in report.networks[report.champion].letters.items()}
    return report.synthetic, sources, letters


def _within(value: float, budget: float) -> bool:
    # Scores are rounded quotients of counts: a fall of exactly the budget must not fail by a rounding error.
    return value <= budget + 1e-6
