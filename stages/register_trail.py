"""Stage `register_trail`: the trail network becomes a version in MLflow, and the champion if it is better than that.

Usage: python -m stages.register_trail
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from client.mask import TRAIL_VERSION
from stages.data.trails import TRAILS, read_trails
from stages.errors import MaskVersionError, run_door
from stages.evaluation.moving import predict_trails
from stages.evaluation.networks import load_network
from stages.files import content_hash, write_text
from stages.params import PARAMS_FILE, Promote, Register, read_params, read_values
from stages.registry.champion import fetch_model, read_champion, read_version
from stages.registry.git import read_revision
from stages.registry.location import TRAIL_RECORD
from stages.registry.results import flatten, read_metrics
from stages.registry.trail import (
    CHAMPION_MODEL,
    TrailRecord,
    judge,
    promote_trail,
    refuse_trail,
    register_trail,
)

MODEL: Final = Path("models/trail/model.onnx")
REPORT: Final = Path("reports/trail")


def main() -> None:
    """Register, compare, and write `reports/register_trail.json` and `models/trail_champion/`."""
    params, network = read_params(Register), load_network(MODEL, TRAIL_VERSION)
    parameters = {
        name: value
        for section in ("movements", "trail")
        for name, value in flatten(read_values(PARAMS_FILE, section), section, network.architecture).items()
    }
    registered = register_trail(
        MODEL, network, experiment=params.experiment, model_name=params.trail_model,
        metrics=read_metrics(REPORT / "metrics.json"), parameters=parameters, report=REPORT, revision=read_revision(),
    )  # fmt: skip
    champion, own = read_champion(params.trail_model), content_hash(MODEL)
    promoted, reason = True, "It is the first one."
    if champion is not None and champion.model_hash != own:
        trails = read_trails(TRAILS / "test.npz")
        fetched = fetch_model(params.trail_model, champion, CHAMPION_MODEL)
        try:
            theirs = predict_trails(load_network(fetched, TRAIL_VERSION), trails)
        except MaskVersionError as error:
            reason = f"The champion, version {champion.number}, cannot be evaluated: {error}"
        else:
            confidence = read_params(Promote).confidence
            promoted, reason = judge(predict_trails(network, trails), theirs, trails.classes, confidence)
    elif champion is not None:
        promoted, reason = False, "It is the champion already."
    if promoted:
        promote_trail(params.trail_model, champion, registered.version, reason)
    elif champion is not None and champion.model_hash != own:
        refuse_trail(params.trail_model, registered.version, reason)
    now = read_champion(params.trail_model) or read_version(params.trail_model, registered.version)
    fetch_model(params.trail_model, now, CHAMPION_MODEL)
    record = TrailRecord(
        champion=now.architecture, model=params.trail_model, version=now.number, model_hash=now.model_hash,
        run_id=now.run_id, promoted=promoted, reasons=(reason,),
    )  # fmt: skip
    write_text(TRAIL_RECORD, record.model_dump_json(indent=2) + "\n")
    sys.stdout.write(f"trail: version {registered.version} of {params.trail_model}. {reason}\n")


if __name__ == "__main__":
    run_door(main)
