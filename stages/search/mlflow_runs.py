"""The trials of a search, shown in MLflow: a run for the study, and nested in it one for each trial."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from mlflow.entities import Metric, Param, RunStatus, RunTag

from stages.registry.store import open_store
from stages.registry.versions import ensure_experiment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import mlflow

    from stages.search.space import Trial

STUDY: Final = "study"
NUMBER: Final = "trial"
PARENT: Final = "mlflow.parentRunId"
"""Tag by which MLflow nests a run in another."""
ACCURACY: Final = "val_accuracy"
BEST: Final = "best_val_accuracy"


def show_trials(experiment: str, study: str, facts: Mapping[str, str], trials: Sequence[Trial]) -> None:
    """Show trials in MLflow, those that are not there yet.

    Args:
        experiment: the runs' experiment, made where it is missing.
        study: name of the study, whose run is made where it is missing.
        facts: parameters of that run: what all trials have in common.
        trials: trials that came to an end.

    Raises:
        PipelineError: the store cannot be used.
    """
    with open_store() as client:
        experiment_id = ensure_experiment(client, experiment)
        parent = _study_run(client, experiment_id, study, facts)
        for trial in trials:
            ours = f"tags.`{PARENT}` = '{parent}' and tags.{NUMBER} = '{trial.number}'"
            if not client.search_runs([experiment_id], ours):
                _show(client, experiment_id, parent, trial)


def show_best(experiment: str, study: str, facts: Mapping[str, str], best: Trial) -> None:
    """Write the best trial of a study that is complete to the study's run.

    Raises:
        PipelineError: the store cannot be used.
    """
    with open_store() as client:
        run_id = _study_run(client, ensure_experiment(client, experiment), study, facts)
        tags = [RunTag("best_trial", str(best.number))]
        client.log_batch(run_id, tags=tags, metrics=[Metric(BEST, best.accuracy, _now(), 0)])
        client.set_terminated(run_id)


def _study_run(client: mlflow.MlflowClient, experiment_id: str, study: str, facts: Mapping[str, str]) -> str:
    found = client.search_runs([experiment_id], f"tags.{STUDY} = '{study}'", order_by=["start_time ASC"])
    if found:
        return str(found[0].info.run_id)
    run_id = client.create_run(experiment_id, run_name=study, tags={STUDY: study}).info.run_id
    client.log_batch(run_id, params=[Param(name, value) for name, value in facts.items()])
    return str(run_id)


def _show(client: mlflow.MlflowClient, experiment_id: str, parent: str, trial: Trial) -> None:
    ended = int(trial.ended * 1000)
    tags = {PARENT: parent, NUMBER: str(trial.number), "pruned": str(trial.pruned).lower()}
    run = client.create_run(experiment_id, int(trial.begun * 1000), tags, run_name=f"trial {trial.number}")
    client.log_batch(
        run.info.run_id,
        params=[Param(name, str(value)) for name, value in trial.values.items()],
        metrics=[
            *(Metric(ACCURACY, accuracy, ended, epoch) for epoch, accuracy in sorted(trial.accuracies.items())),
            Metric(BEST, trial.accuracy, ended, 0),
        ],
    )
    status = RunStatus.KILLED if trial.pruned else RunStatus.FINISHED
    client.set_terminated(run.info.run_id, RunStatus.to_string(status), ended)


def _now() -> int:
    return int(time.time() * 1000)
