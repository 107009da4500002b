"""`make tune`: a search for better parameters, whose best values are written back into `params.yaml`."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from stages.data.processed import data_hash, read_processed
from stages.errors import InputError, run_door
from stages.params import PARAMS_FILE, Augment, Register, Train, Tune, read_init, read_params, read_schedule
from stages.search.mlflow_runs import show_best, show_trials
from stages.search.space import present_values, shortened, study_name
from stages.search.study import open_study, search, store_name
from stages.search.trial import try_values
from stages.search.write_back import write_back
from stages.training.weights import weights_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stages.search.space import Trial


def main() -> None:
    """Try values for `train` and `augment` from the ranges in `tune`, and write the best into params.yaml.

    An interrupted search goes on; searches with the same database share the trials.
    """
    parser = argparse.ArgumentParser(prog="python -m stages.commands.tune", description=main.__doc__)
    parser.add_argument("--trials", type=int, help="finished trials of the whole study, instead of tune.trials")
    given: int | None = parser.parse_args().trials
    if given is not None and given < 1:
        raise InputError(f"--trials is {given}, but must be above 0. Type for example: make tune ARGS='--trials 50'")

    tune, train, augment, register = read_params(Tune), read_params(Train), read_params(Augment), read_params(Register)
    first = present_values(tune.space, train, augment)
    data, hashed = read_processed(), data_hash()
    schedule = shortened(read_schedule(tune.architecture), tune.samples)
    url = os.environ.get("TUNE_STORAGE") or tune.storage
    init = read_init(tune.architecture)
    name = study_name(tune.architecture, weights_hash(init), hashed, schedule, tune.space, train, augment)
    facts = {"architecture": tune.architecture, "samples": str(tune.samples), "data_hash": hashed}
    study_run = (f"{register.experiment}-tune", name, facts)
    sys.stdout.write(f"study {name} at {store_name(url)}\n")

    study = open_study(
        url, name, first, trials=given or tune.trials, startup=tune.startup, heartbeat=tune.heartbeat,
        show=partial(show_trials, *study_run),
    )  # fmt: skip
    if not study.busy:
        show_trials(*study_run, study.done)  # restores the runs if MLflow's store was deleted

    def show(trials: Sequence[Trial]) -> None:
        show_trials(*study_run, trials)
        for trial in trials:
            sys.stdout.write(f"{_line(trial)} ({len(study.done)} of {study.trials} done)\n")

    search(study, tune.space, partial(try_values, tune.architecture, init, data, schedule, train, augment), show)

    best = study.best
    show_best(*study_run, best)
    diff = write_back(best.values)
    sys.stdout.write(f"best: {_line(best)}\n{diff or f'{PARAMS_FILE} has these values already.'}\n")
    if diff:
        sys.stdout.write(f"Next: look at `git diff {PARAMS_FILE}`, then train with these values: make repro\n")


def _line(trial: Trial) -> str:
    values = ", ".join(f"{name} {value}" for name, value in trial.values.items())
    return f"trial {trial.number}: accuracy {trial.accuracy:.3f}{' (pruned)' if trial.pruned else ''}, {values}"


if __name__ == "__main__":
    run_door(main)
