"""The report on unseen signers: the scores of several networks, and the files of numbers that hold them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stages.evaluation.personal_scores import score_personal
from stages.evaluation.signer_scores import (
    SignerReport,
    SignerScores,
    describe,
    score_non_letters,
    score_signers,
)
from stages.files import write_text
from stages.labels import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stages.evaluation.predictions import SignerPredictions
    from stages.params import Test


def score_networks(
    predictions: Mapping[str, SignerPredictions], champion: str, params: Test, *, model_hash: str, synthetic: bool
) -> SignerReport:
    """Score every network that could predict a source.

    Args:
        predictions: by network, the champion's first.
        champion: name of the network that is served.
        params: least probability of a letter that counts in use, and the bins of the expected calibration error.
        model_hash: SHA-256 of the champion's file.
        synthetic: whether the signers are synthetic, which says little about people.
    """
    networks = {name: _score(network, params) for name, network in predictions.items() if network.unseen}
    sources = {source: describe(each) for source, each in predictions[champion].unseen.items()}
    return SignerReport(
        champion=champion, model_hash=model_hash, synthetic=synthetic, sources=sources, networks=networks
    )


def write_signer_report(path: Path, report: SignerReport) -> None:
    """Write the scores as JSON, and the few that runs are compared by as `metrics.json` in a folder of that name."""
    metrics = {
        name: {"mean": scores.mean, "f1": scores.f1, "ece": scores.ece}
        | scores.at_threshold.model_dump()
        | (scores.non_letters.model_dump() if scores.non_letters else {})
        for name, scores in report.networks.items()
    }
    write_text(path.with_suffix("") / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    write_text(path, report.model_dump_json(indent=2) + "\n")


def _score(network: SignerPredictions, params: Test) -> SignerScores:
    scores = score_signers(network.unseen, params.threshold, params.calibration_bins)
    scores = scores.model_copy(update={"personal": score_personal(network.personal)})
    if NOTHING not in network.non_letters.classes:
        return scores
    non_letters = score_non_letters(network.unseen, network.non_letters, params.threshold)
    return scores.model_copy(update={"non_letters": non_letters})
