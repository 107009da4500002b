"""Offer a model file as the champion: it is registered, examined beside the champion, and promoted or refused.

Usage: python -m stages.commands.promote FILE.onnx [--again]
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stages.errors import PipelineError, run_door
from stages.evaluation.intervals import macro_f1
from stages.evaluation.networks import load_network
from stages.files import content_hash, write_text
from stages.params import Register, read_params
from stages.registry.promotion import measure, offer
from stages.registry.record import decision_json, read_models, tell, write_standing
from stages.registry.results import (
    MODELS,
    REPORTS,
    UNKNOWN,
    Result,
    Revision,
    read_metrics,
    read_result,
    read_revision,
)
from stages.registry.versions import register

if TYPE_CHECKING:
    from stages.registry.gate import Marks

OFFERED: Final = REPORTS / "offered"
"""Folder of what was measured of models that are none of the pipeline's."""
REFUSED: Final = 2
"""Exit status of a refusal, which is no error."""


def main() -> None:
    """Read a model file, strangers and validation data; write MLflow's store and, where there is one, the report."""
    arguments = _parse()
    params = read_params(Register)
    result = _read_offered(arguments.model)
    # Of a model made elsewhere nobody knows the commit.
    revision = read_revision() if result.stage else Revision(UNKNOWN, UNKNOWN)
    version = register(result, params.experiment, params.model, revision)
    outcome = offer(params.model, version.version, arguments.model, again=arguments.again)
    models = read_models()
    if models is not None:
        write_standing(params.model, outcome.champion, models, decision_json(outcome))
    sys.stdout.write(tell(outcome, params.model))
    if not outcome.promoted:
        sys.exit(REFUSED)
    sys.stdout.write("Next: make repro (exam, comparison, model card and package of the new champion)\n")


def _parse() -> Namespace:
    parser = ArgumentParser(
        prog="python -m stages.commands.promote",
        description="Offer a model as the champion. Exit status: 0 promoted, 2 refused, 1 error.",
    )
    parser.add_argument("model", type=Path, metavar="FILE.onnx", help="an exported network that reads masks")
    parser.add_argument("--again", action="store_true", help="even where it was rolled back or refused before")
    return parser.parse_args()


def _read_offered(model: Path) -> Result:
    """Read the pipeline's own account of a model where it has one, else measure it."""
    network = load_network(model)
    if network.reads != "masks":
        raise PipelineError(
            f"{model} reads {network.reads}, but the service gives it masks. Offer one that reads masks."
        )
    model_hash = content_hash(model)
    own = MODELS / network.architecture / "model.onnx"
    if own.is_file() and content_hash(own) == model_hash and (REPORTS / network.architecture).is_dir():
        return read_result(network.architecture)
    report = OFFERED / model_hash[:12]
    if not (report / "metrics.json").is_file():
        numbers = _metrics(measure({"": network})[""], model.stat().st_size)
        write_text(report / "metrics.json", json.dumps(numbers, indent=2) + "\n")
    return Result(
        architecture=network.architecture,
        model=model,
        model_hash=model_hash,
        classes=network.classes,
        data_hash=network.data_hash,
        report=report,
        metrics=read_metrics(report / "metrics.json"),
        history={},
        parameters={},
        stage="",
    )


def _metrics(marks: Marks, size_bytes: int) -> dict[str, float]:
    numbers = {
        "f1": macro_f1(marks.validation),
        "accuracy": marks.validation.accuracy,
        "ece": marks.ece,
        "latency_ms_min": marks.latency_ms,
        "size_mib": size_bytes / 2**20,
    }
    return {name: round(value, 6) for name, value in numbers.items()} | {"samples": len(marks.validation.labels)}


if __name__ == "__main__":
    run_door(main)
