"""Stage `register`: every network becomes a run and a version in MLflow, the best one gets the alias `champion`.

Usage: python -m stages.register
"""

from __future__ import annotations

import json
import sys

from tqdm import tqdm

from stages.data.archive import write_text
from stages.errors import run_door
from stages.params import ARCHITECTURES, Register, read_params
from stages.tracking.registry import register, set_champion, store_name
from stages.tracking.results import REGISTERED, best, read_result, read_revision


def main() -> None:
    """Read `models/`, `reports/` and `params.yaml`, write MLflow's store and `reports/register.json`."""
    params = read_params(Register)
    results = [read_result(architecture) for architecture in ARCHITECTURES]
    revision = read_revision()
    versions = {
        result.architecture: register(result, params.experiment, params.model, revision)
        for result in tqdm(results, desc="register", unit="model")
    }
    champion = best(results)
    set_champion(params.model, versions[champion.architecture].version)
    report = {
        "champion": champion.architecture,
        "model": params.model,
        "version": versions[champion.architecture].version,
        "models": {
            result.architecture: {
                "run_id": versions[result.architecture].run_id,
                "version": versions[result.architecture].version,
                "f1": result.metrics["f1"],
                "model_hash": result.model_hash,
            }
            for result in results
        },
    }
    write_text(REGISTERED, json.dumps(report, indent=2) + "\n")
    for name, version in versions.items():
        state = "unchanged" if version.reused else "new"
        star = f", {params.model}@champion" if name == champion.architecture else ""
        sys.stdout.write(f"{name}: version {version.version} ({state}{star})\n")
    sys.stdout.write(f"MLflow: {store_name()} (a local one is shown by `make ui`)\n")


if __name__ == "__main__":
    run_door(main)
