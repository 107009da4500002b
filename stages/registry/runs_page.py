"""The table of runs in MLflow's pages: the link to it, and the columns that it opens with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from stages.errors import InputError
from stages.registry.location import store_name
from stages.registry.store import open_store

if TYPE_CHECKING:
    import mlflow

VIEW: Final = "networks"
TAG: Final = f"mlflow.sharedViewState.{VIEW}"
"""Tag of an experiment in which MLflow's pages keep a view that is opened by a link."""
COLUMNS: Final = ("test/mean", "f1", "accuracy", "training_seconds", "latency_ms_median", "size_mib")
"""Metrics that the table shows; without a view, it shows none."""


def keep_view(client: mlflow.MlflowClient, experiment_id: str) -> None:
    """Keep the view in the experiment."""
    columns = ["attributes.`Models`", *(f"metrics.`{name}`" for name in COLUMNS)]
    view = json.dumps({"selectedColumns": columns, "orderByKey": "metrics.`f1`", "orderByAsc": False})
    if client.get_experiment(experiment_id).tags.get(TAG) != view:
        client.set_experiment_tag(experiment_id, TAG, view)


def find_runs_page(experiment: str) -> str:
    """Find the table of an experiment's runs; returns the part of the link after the server's address.

    Raises:
        InputError: there is no such experiment.
        StoreError: the store cannot be used.
    """
    with open_store() as client:
        found = client.get_experiment_by_name(experiment)
    if found is None:
        raise InputError(f"{store_name()}: there is no experiment '{experiment}'. Register the networks: make repro")
    # MLflow opens its pages for language models by default.
    view = f"&viewStateShareKey={VIEW}" if TAG in found.tags else ""
    return f"/#/experiments/{found.experiment_id}/runs?workflowType=machine_learning{view}"
