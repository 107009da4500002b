"""The trials of a search in MLflow: a run for the study, with a nested run for each trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mlflow.entities import Metric, Param, RunStatus

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
    """Show trials in MLflow, unless they are there already.

    Args:
        experiment: experiment of the runs, created if it is missing.
        study: name of the study, whose run is created if it is missing.
        facts: parameters of that run, common to all trials.
        trials: finished trials.

    Raises:
        StoreError: the store cannot be used.
    """
    with open_store() as client:
        experiment_id = ensure_experiment(client, experiment)
        parent = _study_run(client, experiment_id, study, facts)
        for trial in trials:
            ours = f"tags.`{PARENT}` = '{parent}' and tags.{NUMBER} = '{trial.number}'"
            if not client.search_runs([experiment_id], ours):
                _show(client, experiment_id, parent, trial)


def show_best(experiment: str, study: str, facts: Mapping[str, str], best: Trial) -> None:
    """Add the best trial of a complete study to the study's run.

    Raises:
        StoreError: the store cannot be used.
    """
    with open_store() as client:
        run_id = _study_run(client, ensure_experiment(client, experiment), study, facts)
        client.set_tag(run_id, "best_trial", str(best.number))
        client.log_metric(run_id, BEST, best.accuracy)
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
