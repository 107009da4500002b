"""The gate: may this network take the champion's place? A pure function of what both predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stages.evaluation.intervals import RESAMPLINGS, Difference, compare_accuracy, compare_f1, compare_letters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stages.data.people import People
    from stages.evaluation.predictions import Predictions
    from stages.params import Promote


@dataclass(frozen=True)
class Measured:
    """What the gate knows of one network."""

    unseen: Mapping[str, Predictions]
    """By source, for signers that it was not trained on."""
    ece: float
    """Expected calibration error on them."""
    latency_ms: float
    """Shortest of many times for one mask: whatever else runs on the machine only adds to it."""
    trained_on: People | None = None
    """Hashes of everybody that it was trained on; None if its file does not say."""


@dataclass(frozen=True)
class Finding:
    """One condition of the gate."""

    holds: bool
    sentence: str


@dataclass(frozen=True)
class Decision:
    """The gate's decision: promoted if every finding holds."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    """Full sentences on what was compared, whatever the decision."""

    @property
    def promoted(self) -> bool:
        """Whether the candidate takes the champion's place."""
        return all(finding.holds for finding in self.findings)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Full sentences: what speaks for a candidate that is promoted, or against one that is not."""
        return (*(finding.sentence for finding in self.findings if finding.holds == self.promoted), *self.notes)


def decide(
    candidate: Measured, champion: Measured | None, budgets: Promote, resamplings: int = RESAMPLINGS
) -> Decision:
    """Compare a candidate with the champion on the same samples, then with the budgets.

    Args:
        candidate: what was measured of it.
        champion: the same of the champion, on the same rows in the same order; None if this checkout cannot evaluate
            it, so that budgets alone decide.
        budgets: confidence, largest fall of a letter, longest latency, largest calibration error.
        resamplings: of the bootstrap behind the intervals.
    """
    findings = []
    if champion is None:
        findings.append(
            Finding(True, "This checkout can neither evaluate nor serve the champion, so budgets alone decide.")
        )
    else:
        sources = len(candidate.unseen)
        mean = f", the mean of {sources} sources" if sources > 1 else ""
        both, confidence = (candidate.unseen, champion.unseen), budgets.confidence
        accuracy = compare_accuracy(*both, confidence=confidence, resamplings=resamplings)
        f1 = compare_f1(*both, confidence=confidence, resamplings=resamplings)
        findings += [
            _beats(f"Accuracy on unseen signers{mean}", accuracy, confidence),
            _beats(f"Macro F1 on unseen signers{mean}", f1, confidence),
            letters_hold(compare_letters(*both, resamplings=resamplings), budgets.letter_fall),
        ]
    findings += [
        _within("One mask takes", candidate.latency_ms, budgets.latency_ms, "ms at its fastest"),
        _within("The expected calibration error is", candidate.ece, budgets.ece, "on unseen signers"),
    ]
    return Decision(tuple(findings))


def letters_hold(letters: Mapping[str, Difference], budget: float) -> Finding:
    """Check that no letter falls by more than a budget and by more than the noise.

    Args:
        letters: the candidate's accuracy on each letter against the champion's, with intervals that hold together.
        budget: largest fall, as a share of the letter's photographs.
    """
    falls = {letter: each.champion - each.candidate for letter, each in letters.items()}
    # Shares are quotients of counts: a fall of exactly the budget must not fail by a rounding error.
    fallen = [letter for letter, each in letters.items() if falls[letter] > budget + 1e-9 and each.worse]
    if not fallen:
        worst = max(falls, key=lambda letter: falls[letter])
        largest = f"; the largest fall is that of {worst}, {falls[worst]:.2f}" if falls[worst] > 0 else ""
        return Finding(True, f"No letter falls by more than {budget:g} and the noise on unseen signers{largest}.")
    named = ", ".join(
        f"{letter} ({letters[letter].champion:.2f} to {letters[letter].candidate:.2f})"
        for letter in sorted(fallen, key=lambda letter: -falls[letter])
    )
    return Finding(False, f"On unseen signers these fall by more than {budget:g} and the noise: {named}.")


def _beats(what: str, difference: Difference, confidence: float) -> Finding:
    scores = f"{what}: {difference.candidate:.3f} against the champion's {difference.champion:.3f}"
    if difference.low is None or difference.high is None:
        return Finding(
            False,
            f"{scores}. There is a single signer, who says nothing about others: put files of more people in "
            "data/test/, or remove those in it to compare on synthetic signers.",
        )
    verdict = "beats" if difference.beats else "does not beat"
    return Finding(
        difference.beats,
        f"{scores}, a difference of {difference.candidate - difference.champion:+.3f} ({100 * confidence:g} % interval "
        f"{difference.low:+.3f} to {difference.high:+.3f}), which {verdict} the champion by more than the noise.",
    )


def _within(what: str, value: float, budget: float, unit: str) -> Finding:
    holds = value <= budget
    verdict = "within" if holds else "over"
    return Finding(holds, f"{what} {value:.3g} {unit}, {verdict} the budget of {budget:g}.")
