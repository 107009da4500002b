"""Propose a model file as the champion: it is registered, compared with the champion, and promoted or refused.

Usage: python -m stages.commands.promote FILE.onnx [--again]
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stages.errors import InputError, run_door
from stages.evaluation.networks import load_network
from stages.evaluation.predictions import predictions_of
from stages.evaluation.signer_scores import macro_of
from stages.files import content_hash, write_text
from stages.params import Register, read_params
from stages.registry.git import UNKNOWN, Revision, read_revision
from stages.registry.history import restore_tags
from stages.registry.promotion import measure, propose
from stages.registry.record import ChampionRecord, write_record
from stages.registry.results import MODELS, REPORTS, Result, read_metrics, read_result
from stages.registry.versions import register

if TYPE_CHECKING:
    from stages.evaluation.predictions import Predictions
    from stages.registry.gate import Measured

PROPOSED: Final = REPORTS / "proposed"
"""Folder of what was measured of models that are none of the pipeline's."""
REFUSED: Final = 2
"""Exit status of a refusal, which is no error."""


def main() -> None:
    """Read a model file and the evaluation sets; write MLflow's store and, if there is one, the champion record."""
    arguments = _parse()
    params = read_params(Register)
    last = ChampionRecord.read_last(params.model)
    result, measured = _read_proposed(arguments.model)
    # Nobody knows the commit of a model that was made elsewhere.
    revision = read_revision() if result.stage else Revision(UNKNOWN, UNKNOWN)
    version = register(result, params.experiment, params.model, revision)
    if last is not None:
        restore_tags(params.model, last.history)
    outcome = propose(params.model, version.version, arguments.model, again=arguments.again, measured=measured)
    if last is not None:
        write_record(params.model, outcome.champion, last.models, outcome.decision)
    sys.stdout.write(outcome.report(params.model))
    if not outcome.promoted:
        sys.exit(REFUSED)
    sys.stdout.write("Next: make repro (test, comparison, model card and package of the new champion)\n")


def _parse() -> Namespace:
    parser = ArgumentParser(
        prog="python -m stages.commands.promote",
        description="Propose a model as the champion. Exit status: 0 promoted, 2 refused, 1 error.",
    )
    parser.add_argument("model", type=Path, metavar="FILE.onnx", help="an exported network that takes masks")
    parser.add_argument("--again", action="store_true", help="even if it was rolled back or refused before")
    return parser.parse_args()


def _read_proposed(model: Path) -> tuple[Result, Measured | None]:
    """Read the pipeline's own report on a model if it has one, or else measure it, once for report and gate."""
    network = load_network(model)
    if network.input_name != "masks":
        raise InputError(
            f"{model} takes {network.input_name}, but the service gives it masks. Propose one that takes masks."
        )
    model_hash = content_hash(model)
    own = MODELS / network.architecture / "model.onnx"
    if own.is_file() and content_hash(own) == model_hash and (REPORTS / network.architecture).is_dir():
        return read_result(network.architecture), None
    report = PROPOSED / model_hash[:12]
    measured, validation = measure(model), predictions_of(model).validation
    if not (report / "metrics.json").is_file():
        numbers = _metrics(measured, validation, model.stat().st_size)
        write_text(report / "metrics.json", json.dumps(numbers, indent=2) + "\n")
    result = Result(
        architecture=network.architecture,
        model=model,
        model_hash=model_hash,
        classes=network.classes,
        data_hash=network.data_hash,
        report=report,
        metrics=read_metrics(report / "metrics.json"),
        history=None,
        validation=validation,
        parameters={},
        stage="",
    )
    return result, measured


def _metrics(measured: Measured, validation: Predictions, size_bytes: int) -> dict[str, float]:
    numbers = {
        "f1": macro_of(validation)[2],
        "accuracy": validation.accuracy,
        "ece": measured.ece,
        "latency_ms_min": measured.latency_ms,
        "size_mib": size_bytes / 2**20,
    }
    return {name: round(value, 6) for name, value in numbers.items()} | {"samples": len(validation.labels)}


if __name__ == "__main__":
    run_door(main)
