"""The pictures of the reports, each as the bytes of a PNG by the name of its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stages.data.loader import draw_masks
from stages.evaluation import plots, signer_plots
from stages.evaluation.predictions import NO_HAND
from stages.evaluation.scores import confusion, letter_scores, score, worst_mistakes
from stages.evaluation.signer_scores import calibration, confuse, select, worst_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pandas as pd

    from stages.data.processed import Split
    from stages.evaluation.predictions import NetworkPredictions, Predictions, SignerPredictions
    from stages.evaluation.signer_scores import SignerReport
    from stages.params import Test


@dataclass(frozen=True)
class Mistake:
    """A misclassified hand."""

    confidence: float
    caption: str
    sample: npt.NDArray[Any]
    """(21, 3) landmarks or a (224, 224, 3) mask, never a photograph."""


def draw_network(
    name: str,
    predictions: NetworkPredictions,
    validation: Split,
    history: pd.DataFrame,
    who: str,
    *,
    mistakes: int,
    bins: int,
) -> dict[str, bytes]:
    """Draw the report on one network: its training, what it does on validation, its calibration on test signers.

    Args:
        name: of the network, named in the titles.
        predictions: what it predicts.
        validation: the split that it was validated on.
        history: what `read_history` returned.
        who: what the test signers are called.
        mistakes: how many of the worst mistakes to draw.
        bins: of the reliability diagram.

    Returns:
        Contents by file name; the same arguments give the same bytes.
    """
    given = predictions.validation
    letters = letter_scores(given.probabilities, validation.classes, given.classes)
    macro_f1 = score(given.probabilities, validation.classes).f1
    worst = worst_mistakes(given.probabilities, validation.classes, mistakes)
    captions = [
        f"true {given.labels[row]}\npredicted {given.predicted[row]}  {given.confidence[row]:.2f}" for row in worst
    ]
    counts = confusion(given.labels, given.predicted, given.classes, given.classes)
    unseen = calibration(predictions.signers.unseen, bins)
    return {
        "confusion.png": plots.plot_confusion(counts, f"{name}: predicted letters"),
        "curves.png": plots.plot_curves(history, f"{name}: training"),
        "calibration.png": plots.plot_calibration(unseen, f"{name}, {who}: calibration"),
        "per_letter.png": plots.plot_letters(letters, macro_f1, f"{name}: F1 of each letter"),
        "mistakes.png": plots.plot_mistakes(draw_masks(validation.samples[worst]), captions, f"{name}: worst mistakes"),
    }


def draw_signers(
    report: SignerReport,
    predictions: Mapping[str, SignerPredictions],
    samples: Mapping[str, npt.NDArray[Any]],
    params: Test,
) -> dict[str, bytes]:
    """Draw a report on unseen signers.

    Args:
        report: what `score_networks` returned.
        predictions: what it scored, by network.
        samples: what was predicted, by source.
        params: how many of the champion's mistakes to draw, and the bins of the reliability diagram.

    Returns:
        Contents by file name; the same arguments give the same bytes.
    """
    name, who = report.champion, report.title
    scores, unseen = report.networks[name], predictions[name].unseen
    counts = confuse(unseen, next(iter(unseen.values())).classes).rename(columns={NO_HAND: "none"})
    selections = {each: select(predictions[each].unseen) for each in report.networks}
    threshold = scores.at_threshold.threshold
    mistakes = find_mistakes(unseen, samples, params.mistakes)
    masks = [draw_masks(mistake.sample[None])[0] for mistake in mistakes]
    captions = [mistake.caption for mistake in mistakes]
    binned = calibration(unseen, params.calibration_bins)
    pictures = {
        "sources.png": signer_plots.plot_sources(report.networks, f"{who}: accuracy"),
        "letters.png": signer_plots.plot_signer_letters(
            scores, f"{name}, {who}: accuracy on each letter, 95 % interval"
        ),
        "detection.png": signer_plots.plot_detection(report.sources, f"{who}: hands found"),
        "confusion.png": plots.plot_confusion(counts, f"{name}, {who}: predicted letters"),
        "selection.png": signer_plots.plot_selection(selections, threshold, f"{who}: risk and coverage of a threshold"),
        "calibration.png": plots.plot_calibration(binned, f"{name}, {who}: calibration"),
        "mistakes.png": plots.plot_mistakes(masks, captions, f"{name}, {who}: the worst mistake of each kind"),
    }
    if scores.personal:
        pictures["personal.png"] = signer_plots.plot_personal(
            scores.personal, f"{name}, {who}: with the signer's own hand enrolled"
        )
    return pictures


def find_mistakes(
    predictions: Mapping[str, Predictions], samples: Mapping[str, npt.NDArray[Any]], count: int
) -> list[Mistake]:
    """Find the worst mistake of each kind on each source, the most confident first.

    Args:
        predictions: the champion's, by source.
        samples: what it predicted, by source.
        count: how many to find at most.
    """
    mistakes = [
        Mistake(
            float(each.confidence[row]),
            f"{source}: true {each.labels[row]}\npredicted {each.predicted[row]}  {each.confidence[row]:.2f}",
            samples[source][row],
        )
        for source, each in predictions.items()
        for row in worst_rows(each, count)
    ]
    return sorted(mistakes, key=lambda mistake: -mistake.confidence)[:count]
