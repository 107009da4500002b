"""The trail network in MLflow: a registered model of its own, with its own champion.

One content is one version. A version becomes the champion if there is none, or if it recognises trails that neither
was trained on better than the champion by more than the noise.
"""

from __future__ import annotations

from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import mlflow
import mlflow.onnx
import numpy as np
import onnx
from mlflow.entities import Param
from pydantic import BaseModel, ConfigDict
from scipy import stats  # type: ignore[import-untyped]

from stages.files import content_hash, read_model
from stages.registry.champion import PROMOTED, REASONS, REFUSED, VERDICT, RegisteredVersion, move_champion, tag
from stages.registry.location import TRAIL_RECORD
from stages.registry.store import open_store, store_lock
from stages.registry.versions import Version, ensure_experiment, ensure_registered_model, find_version, signature

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from stages.evaluation.networks import Network
    from stages.registry.git import Revision

CHAMPION_MODEL: Final = Path("models/trail_champion/model.onnx")


class TrailRecord(BaseModel):
    """What `reports/register_trail.json` holds: the champion among the trail networks, and why it is."""

    model_config = ConfigDict(frozen=True)

    champion: str
    """Architecture."""
    model: str
    """Name of the registered model."""
    version: int
    model_hash: str
    """SHA-256 of the model file."""
    run_id: str
    promoted: bool
    """Whether this checkout's network became the champion in the last run."""
    reasons: tuple[str, ...]
    """Full sentences."""

    @classmethod
    def read(cls, path: Path = TRAIL_RECORD) -> Self:
        """Read the record.

        Raises:
            InputError: the file is missing or damaged.
        """
        return read_model(cls, path, "dvc repro --force --single-item register_trail")


def register_trail(
    model: Path,
    network: Network,
    *,
    experiment: str,
    model_name: str,
    metrics: Mapping[str, float],
    parameters: Mapping[str, str],
    report: Path,
    revision: Revision,
) -> Version:
    """Register a trail network as a run and a version, unless the same file is registered already.

    Args:
        model: the exported network.
        network: the same, loaded.
        experiment: name of the runs' experiment.
        model_name: the registered model.
        metrics: in validation.
        parameters: what it was trained with.
        report: folder of its report.
        revision: state of the source code.

    Raises:
        StoreError: the store cannot be used.
    """
    identity = {"architecture": network.architecture, "model_hash": content_hash(model)}
    with open_store() as client, store_lock():
        experiment_id = ensure_experiment(client, experiment)
        if (found := find_version(client, model_name, identity)) is not None:
            return found
        tags = identity | {"data_hash": network.data_hash, "git_commit": revision.commit, "git_dirty": revision.dirty}
        text = f"{network.architecture} for trails: predicts {', '.join(network.classes)}."
        with mlflow.start_run(experiment_id=experiment_id, run_name="trail", tags=tags, description=text) as run:
            run_id = run.info.run_id
            client.log_batch(run_id, params=[Param(name, value) for name, value in parameters.items()])
            client.log_artifacts(run_id, str(report), "report")
            logged = mlflow.onnx.log_model(
                onnx.load(model), name="trail", signature=signature(len(network.classes)), save_as_external_data=False,
                pip_requirements=[f"{name}=={installed_version(name)}" for name in ("onnxruntime", "onnx", "numpy")],
            )  # fmt: skip
            mlflow.log_metrics(dict(metrics), model_id=logged.model_id)
        ensure_registered_model(client, model_name, "Classifies the trail of a hand as J, Z or neither.")
        created = client.create_model_version(
            model_name, source=logged.model_uri, run_id=run_id, tags=tags, model_id=logged.model_id, description=text
        )
        return Version(run_id, int(created.version), reused=False)


def judge(
    candidate: npt.NDArray[np.floating[Any]],
    champion: npt.NDArray[np.floating[Any]],
    classes: npt.NDArray[np.int64],
    confidence: float,
) -> tuple[bool, str]:
    """Decide between two networks by their predictions (N, 3) for the same N trails: the sign test of McNemar (1947).

    Returns:
        Whether the candidate is better by more than the noise, and why, in a sentence.
    """
    own, theirs = (each.argmax(axis=1) == classes for each in (candidate, champion))
    wins, losses = int((own & ~theirs).sum()), int((theirs & ~own).sum())
    chance = float(stats.binomtest(wins, wins + losses, alternative="greater").pvalue) if wins + losses else 1.0
    better = chance < 1.0 - confidence
    return better, (
        f"Of {len(classes)} trails that neither was trained on it recognises {own.mean():.1%}, the champion "
        f"{theirs.mean():.1%}: {wins} that the champion does not, and {losses} the other way round, which is "
        f"{'more than' if better else 'within'} the noise."
    )


def promote_trail(model_name: str, champion: RegisteredVersion | None, number: int, reason: str) -> None:
    """Give the alias to a version, and keep why.

    Raises:
        ChampionMovedError: another version has the alias by now.
        StoreError: the store cannot be used.
    """
    tag(model_name, number, {VERDICT: PROMOTED, REASONS: reason})
    move_champion(model_name, None if champion is None else champion.number, number)


def refuse_trail(model_name: str, number: int, reason: str) -> None:
    """Keep why a version did not become the champion.

    Raises:
        StoreError: the store cannot be used.
    """
    tag(model_name, number, {VERDICT: REFUSED, REASONS: reason})
