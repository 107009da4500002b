"""The report on unseen signers: scores as JSON and the pictures that belong to them, made in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stages.data.loader import draw_masks
from stages.evaluation import plots, signer_plots
from stages.evaluation.predictions import NO_HAND
from stages.evaluation.signer_scores import (
    SignerReport,
    SignerScores,
    calibration,
    confuse,
    describe,
    score_non_letters,
    score_signers,
    select,
    worst_rows,
)
from stages.files import write_files, write_text
from stages.hand.non_letters import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from stages.evaluation.predictions import Predictions, SignerPredictions


@dataclass(frozen=True)
class Mistake:
    """A misclassified hand."""

    confidence: float
    caption: str
    sample: npt.NDArray[Any]
    """(21, 3) landmarks or a (224, 224, 3) mask, never a photograph."""


def score_networks(
    predictions: Mapping[str, SignerPredictions],
    champion: str,
    *,
    model_hash: str,
    synthetic: bool,
    threshold: float,
    bins: int,
) -> SignerReport:
    """Score every network that could predict a source.

    Args:
        predictions: by network, the champion's first.
        champion: name of the network that is served.
        model_hash: SHA-256 of its file.
        synthetic: whether the signers are synthetic, which says little about people.
        threshold: least probability of a letter that counts in use.
        bins: of the expected calibration error.
    """
    networks = {name: _score(network, threshold, bins) for name, network in predictions.items() if network.unseen}
    sources = {source: describe(each) for source, each in predictions[champion].unseen.items()}
    return SignerReport(
        champion=champion, model_hash=model_hash, synthetic=synthetic, sources=sources, networks=networks
    )


def _score(network: SignerPredictions, threshold: float, bins: int) -> SignerScores:
    scores = score_signers(network.unseen, threshold, bins)
    if network.non_letters is None or NOTHING not in network.non_letters.classes:
        return scores
    non_letters = score_non_letters(network.unseen, network.non_letters, threshold)
    return scores.model_copy(update={"non_letters": non_letters})


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


def write_signer_report(
    path: Path,
    report: SignerReport,
    predictions: Mapping[str, SignerPredictions],
    samples: Mapping[str, npt.NDArray[Any]],
    *,
    mistakes: int,
    bins: int,
) -> None:
    """Write the scores as JSON and a folder of pictures of the same name.

    Args:
        path: the JSON file.
        report: what `score_networks` returned.
        predictions: what it scored.
        samples: what was predicted, by source.
        mistakes: how many of the champion's mistakes to draw.
        bins: of the reliability diagram.
    """
    worst = find_mistakes(predictions[report.champion].unseen, samples, mistakes)
    write_files(path.with_suffix(""), build_signer_report(report, predictions, worst, bins))
    write_text(path, report.model_dump_json(indent=2) + "\n")


def build_signer_report(
    report: SignerReport,
    predictions: Mapping[str, SignerPredictions],
    mistakes: Sequence[Mistake],
    bins: int,
) -> dict[str, bytes]:
    """Make every file that belongs to the scores.

    Args:
        report: what `score_networks` returned.
        predictions: what it scored.
        mistakes: the champion's, worst first.
        bins: of the reliability diagram.

    Returns:
        Contents by file name; the same arguments give the same bytes.
    """
    name, who = report.champion, "unseen synthetic signers" if report.synthetic else "unseen signers"
    scores, unseen = report.networks[name], predictions[name].unseen
    confusion = confuse(unseen, next(iter(unseen.values())).classes).rename(columns={NO_HAND: "none"})
    selections = {each: select(predictions[each].unseen) for each in report.networks}
    threshold = scores.at_threshold.threshold
    masks = [draw_masks(mistake.sample[None])[0] for mistake in mistakes]
    captions = [mistake.caption for mistake in mistakes]
    return {
        "metrics.json": (json.dumps(_metrics(report), indent=2) + "\n").encode(),
        "sources.png": signer_plots.plot_sources(report.networks, f"{who}: accuracy"),
        "letters.png": signer_plots.plot_signer_letters(
            scores, f"{name}, {who}: accuracy on each letter, 95 % interval"
        ),
        "detection.png": signer_plots.plot_detection(report.sources, f"{who}: hands found"),
        "confusion.png": plots.plot_confusion(confusion, f"{name}, {who}: predicted letters"),
        "selection.png": signer_plots.plot_selection(selections, threshold, f"{who}: risk and coverage of a threshold"),
        "calibration.png": plots.plot_calibration(calibration(unseen, bins), f"{name}, {who}: calibration"),
        "mistakes.png": plots.plot_mistakes(masks, captions, f"{name}, {who}: the worst mistake of each kind"),
    }


def _metrics(report: SignerReport) -> dict[str, dict[str, float | None]]:
    """The few numbers of each network that are compared from run to run."""
    return {
        name: {"mean": scores.mean, "ece": scores.ece}
        | scores.at_threshold.model_dump()
        | (scores.non_letters.model_dump() if scores.non_letters else {})
        for name, scores in report.networks.items()
    }
