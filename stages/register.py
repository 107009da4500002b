"""Stage `register`: every network becomes a run and a version in MLflow; their leader is compared with the champion.

The leader is the smallest of the networks that are as good as the best in validation. If there is no champion yet, it
becomes the champion. If there is one, the gate decides (see `stages.registry.promotion`); if it refuses, the alias
stays, and the record says why. If the registry was lost, it is rebuilt from the record first (see
`stages.registry.rebuilding`).

Usage: python -m stages.register
"""

from __future__ import annotations

import sys

from tqdm import tqdm

from stages.errors import run_door
from stages.params import ARCHITECTURES, Register, read_params
from stages.registry.champion import read_champion
from stages.registry.git import read_revision
from stages.registry.location import store_name
from stages.registry.promotion import propose
from stages.registry.rebuilding import choose_first, choose_leader, restore_champion
from stages.registry.record import ChampionRecord, RegisteredNetwork, champion_predictions, write_record
from stages.registry.results import read_result
from stages.registry.versions import register


def main() -> None:
    """Read `models/`, `reports/` and predictions; write MLflow's store, `reports/register.json`, `models/champion/`."""
    params = read_params(Register)
    last = ChampionRecord.read_last(params.model)
    results = [read_result(architecture) for architecture in ARCHITECTURES]
    revision = read_revision()
    versions = {
        result.architecture: register(result, params.experiment, params.model, revision)
        for result in tqdm(results, desc="register", unit="model")
    }
    restore_champion(params, last, results)
    if read_champion(params.model) is None:
        outcome = choose_first(params.model, last, results)
    else:
        leader = choose_leader(results)
        outcome = propose(params.model, versions[leader.architecture].version, leader.model)
    models = {
        result.architecture: RegisteredNetwork(
            run_id=versions[result.architecture].run_id,
            version=versions[result.architecture].version,
            f1=result.metrics["f1"],
            model_hash=result.model_hash,
        )
        for result in results
    }
    record = write_record(params.model, outcome.champion, models, outcome.decision)
    if not record.is_own:
        champion_predictions()
    for name, version in versions.items():
        sys.stdout.write(f"{name}: version {version.version} ({'unchanged' if version.reused else 'new'})\n")
    sys.stdout.write(outcome.report(params.model))
    sys.stdout.write(f"MLflow: {store_name()} (`make ui` shows a local one)\n")


if __name__ == "__main__":
    run_door(main)
