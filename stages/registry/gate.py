"""The gate: may this network take the champion's place? A pure function of what both predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stages.evaluation.intervals import Difference, compare_accuracy, compare_f1
from stages.evaluation.signer_scores import score_letters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stages.evaluation.predictions import Predictions
    from stages.params import Promote


@dataclass(frozen=True)
class Measured:
    """What the gate knows of one network."""

    unseen: Mapping[str, Predictions]
    """By source."""
    validation: Predictions
    ece: float
    """Expected calibration error, the larger one of unseen signers and validation."""
    latency_ms: float
    """Shortest of many times for one mask: whatever else runs on the machine only adds to it."""


@dataclass(frozen=True)
class Finding:
    """One condition of the gate."""

    holds: bool
    sentence: str


@dataclass(frozen=True)
class Decision:
    """The gate's decision: promoted if every finding holds."""

    findings: tuple[Finding, ...]

    @property
    def promoted(self) -> bool:
        """Whether the candidate takes the champion's place."""
        return all(finding.holds for finding in self.findings)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Full sentences: what speaks for a candidate that is promoted, or against one that is not."""
        return tuple(finding.sentence for finding in self.findings if finding.holds == self.promoted)


def decide(candidate: Measured, champion: Measured | None, budgets: Promote) -> Decision:
    """Compare a candidate with the champion on the same samples, then with the budgets.

    Args:
        candidate: what was measured of it.
        champion: the same of the champion, on the same rows in the same order; None if this checkout cannot evaluate
            it, so that budgets alone decide.
        budgets: largest fall of a letter, longest latency, largest calibration error.
    """
    findings = []
    if champion is None:
        findings.append(
            Finding(True, "This checkout can neither evaluate nor serve the champion, so budgets alone decide.")
        )
    else:
        sources = len(candidate.unseen)
        what = f"Accuracy on unseen signers, the mean of {sources} source{'s' * (sources != 1)}"
        findings += [
            _beats(what, compare_accuracy(candidate.unseen, champion.unseen)),
            _beats("Macro F1 in validation", compare_f1(candidate.validation, champion.validation)),
            _letters(candidate.unseen, champion.unseen, budgets.letter_fall),
        ]
    findings += [
        _within("One mask takes", candidate.latency_ms, budgets.latency_ms, "ms at its fastest"),
        _within("The expected calibration error is", candidate.ece, budgets.ece, "(unseen signers or validation)"),
    ]
    return Decision(tuple(findings))


def _beats(what: str, difference: Difference) -> Finding:
    verdict = "beats" if difference.beats else "does not beat"
    return Finding(
        difference.beats,
        f"{what}: {difference.candidate:.3f} against the champion's {difference.champion:.3f}, a difference of "
        f"{difference.candidate - difference.champion:+.3f} (95 % interval {difference.low:+.3f} to "
        f"{difference.high:+.3f}), which {verdict} the champion by more than the noise.",
    )


def _letters(candidate: Mapping[str, Predictions], champion: Mapping[str, Predictions], budget: float) -> Finding:
    now, before = (
        {letter: score.accuracy for letter, score in score_letters(each).items()} for each in (candidate, champion)
    )
    falls = {letter: before[letter] - now[letter] for letter in before}
    # Shares are quotients of counts: a fall of exactly the budget must not fail by a rounding error.
    fallen = sorted((letter for letter in falls if falls[letter] > budget + 1e-9), key=lambda letter: -falls[letter])
    if not fallen:
        worst = max(falls, key=lambda letter: falls[letter])
        largest = f"; the largest fall is that of {worst}, {falls[worst]:.2f}" if falls[worst] > 0 else ""
        return Finding(True, f"No letter falls by more than {budget:g} on unseen signers{largest}.")
    named = ", ".join(f"{letter} ({before[letter]:.2f} to {now[letter]:.2f})" for letter in fallen)
    return Finding(False, f"On unseen signers these fall by more than {budget:g}: {named}.")


def _within(what: str, value: float, budget: float, unit: str) -> Finding:
    holds = value <= budget
    verdict = "within" if holds else "over"
    return Finding(holds, f"{what} {value:.3g} {unit}, {verdict} the budget of {budget:g}.")
