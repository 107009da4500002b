"""Who is champion and why, written down for the stages that follow: `reports/register.json` and `models/champion/`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stages.errors import PipelineError
from stages.files import write_text
from stages.registry.champion import fetch_metrics, fetch_model
from stages.registry.results import CHAMPION_FILES, REGISTERED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stages.registry.champion import Entry
    from stages.registry.promotion import Outcome


def write_standing(model_name: str, champion: Entry, models: Mapping[str, Any], decision: Mapping[str, Any]) -> None:
    """Fetch the champion's files and write the report, the files first.

    Args:
        model_name: the registered model.
        champion: who has the alias.
        models: this checkout's networks in the registry.
        decision: the last decision on a champion.

    Raises:
        PipelineError: the champion's files are gone from the registry.
    """
    fetch_model(model_name, champion, CHAMPION_FILES / "model.onnx")
    fetch_metrics(champion, CHAMPION_FILES / "metrics.json")
    report = {
        "champion": champion.architecture,
        "model": model_name,
        "version": champion.number,
        "model_hash": champion.model_hash,
        "git_commit": champion.tags.get("git_commit", ""),
        "data_hash": champion.tags.get("data_hash", ""),
        "run_id": champion.run_id,
        "models": models,
        "decision": decision,
    }
    write_text(REGISTERED, json.dumps(report, indent=2) + "\n")


def read_models() -> dict[str, Any] | None:
    """Read this checkout's networks in the registry as they were last written; None where that was never done.

    Raises:
        PipelineError: the report is damaged.
    """
    try:
        models: dict[str, Any] = json.loads(REGISTERED.read_text(encoding="utf-8"))["models"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise PipelineError(f"{REGISTERED}: cannot be read ({error}). Run: dvc repro register.") from None
    return models


def decision_json(outcome: Outcome) -> dict[str, Any]:
    """Put an offer's outcome into the layout of the report."""
    return {
        "candidate": outcome.candidate.architecture,
        "version": outcome.candidate.number,
        "model_hash": outcome.candidate.model_hash,
        "promoted": outcome.promoted,
        "reasons": list(outcome.reasons),
    }


def tell(outcome: Outcome, model_name: str) -> str:
    """Say in lines for people what became of an offer."""
    what = f"{outcome.candidate.architecture}, version {outcome.candidate.number} of {model_name}"
    champion = f"{outcome.champion.architecture}, version {outcome.champion.number}"
    verdict = "is the champion" if outcome.promoted else f"is not promoted; the champion stays {champion}"
    return "\n  ".join([f"{what}, {verdict}:", *outcome.reasons]) + "\n"
