"""The champion record: which version is the champion and why, for the stages and commands that follow.

Git keeps it, so it also has what a registry that was lost is rebuilt from: the last decision on every network.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from pydantic import BaseModel, ConfigDict

from stages.evaluation.predictions import predictions_of
from stages.files import content_hash, read_model, write_text
from stages.params import REFERENCE
from stages.registry.champion import REASONS, RegisteredVersion, fetch_metrics, fetch_model, read_initial_weights
from stages.registry.history import PastDecision, read_history
from stages.registry.location import RECORD
from stages.registry.results import MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stages.evaluation.predictions import NetworkPredictions, SignerPredictions

CHAMPION_FILES: Final = MODELS / "champion"
"""The champion as the registry has it: `model.onnx`, `metrics.json`, the numbers that it was registered with, and
`predictions/`, unless it is one of this checkout's networks."""


class RegisteredNetwork(BaseModel):
    """One of this checkout's networks in the registry."""

    model_config = ConfigDict(frozen=True, strict=True)

    run_id: str
    version: int
    f1: float
    """Macro F1 in validation."""
    model_hash: str


class GateDecision(BaseModel):
    """The last decision on a champion."""

    model_config = ConfigDict(frozen=True)

    candidate: str
    """Architecture."""
    version: int
    model_hash: str
    promoted: bool
    reasons: tuple[str, ...]
    """Full sentences."""


class ChampionRecord(BaseModel):
    """What `reports/register.json` holds."""

    model_config = ConfigDict(frozen=True, strict=True)

    champion: str
    """Architecture."""
    model: str
    """Name of the registered model."""
    version: int
    model_hash: str
    """SHA-256 of the model file."""
    git_commit: str
    data_hash: str
    run_id: str
    init: str = ""
    """Weights that the champion's training started from; "" if its run does not say."""
    champion_reasons: tuple[str, ...] = ()
    """Why it is the champion, in full sentences; `decision` may be on another network."""
    models: dict[str, RegisteredNetwork]
    """This checkout's networks, by architecture."""
    decision: GateDecision
    history: tuple[PastDecision, ...] = ()

    @classmethod
    def read(cls, path: Path = RECORD) -> Self:
        """Read the record.

        Raises:
            InputError: the file is missing or damaged.
        """
        return read_model(cls, path, "dvc repro --force --single-item register")

    @classmethod
    def read_last(cls, model: str, path: Path = RECORD) -> Self | None:
        """Read the record that is about to be replaced; None if there is none, or it is of another registered model.

        Raises:
            InputError: the file is damaged; it is not to be replaced without its history.
        """
        if not path.is_file():
            return None
        record = read_model(cls, path, f"git checkout -- {path}")
        return record if record.model == model else None

    @property
    def decisions(self) -> dict[str, PastDecision]:
        """The last decision on every network, by hash; that on the champion is there even if there is no history."""
        decisions = {decision.model_hash: decision for decision in self.history}
        champion = PastDecision(
            architecture=self.champion,
            version=self.version,
            model_hash=self.model_hash,
            verdict="promoted",
            reasons=self.why_champion,
        )
        return {self.model_hash: champion} | decisions

    @property
    def why_champion(self) -> tuple[str, ...]:
        """Why it is the champion, in full sentences; none if the record is older than they are and tells of another."""
        last = self.decision
        own = last.reasons if last.promoted and last.model_hash == self.model_hash else ()
        return self.champion_reasons or own

    @property
    def is_own(self) -> bool:
        """Whether the champion is one of this checkout's networks; if not, only `models/champion/` has its files."""
        own = self.models.get(self.champion)
        return own is not None and own.version == self.version

    @property
    def name(self) -> str:
        """Name of the champion: its architecture, with its version if it is none of this checkout's networks."""
        return self.champion if self.is_own else f"{self.champion} version {self.version}"

    def model_files(self) -> dict[str, Path]:
        """The files of the champion, then of this checkout's other networks, then of the reference, if there is one."""
        files = {self.name: MODELS / self.champion / "model.onnx" if self.is_own else CHAMPION_FILES / "model.onnx"}
        files |= {name: MODELS / name / "model.onnx" for name in self.models if name not in files}
        reference = MODELS / REFERENCE / "model.onnx"
        return files | ({REFERENCE: reference} if reference.is_file() else {})


def signer_predictions(record: ChampionRecord) -> dict[str, SignerPredictions]:
    """What the champion, this checkout's other networks and the reference predict for unseen signers, in this order."""
    return {
        name: (predictions_of(path) if path.parent != CHAMPION_FILES else champion_predictions()).signers
        for name, path in record.model_files().items()
    }


def write_record(
    model: str, champion: RegisteredVersion, models: Mapping[str, RegisteredNetwork], decision: GateDecision
) -> ChampionRecord:
    """Fetch the champion's files and write the record, the files first.

    Args:
        model: the registered model.
        champion: the version with the alias.
        models: this checkout's networks, by architecture.
        decision: the last decision on a champion.

    Raises:
        InputError: there is a record already, but it is damaged.
        StoreError: the champion's files are gone from the registry.
    """
    last = ChampionRecord.read_last(model)
    fetch_champion(model, champion)
    fetch_metrics(champion, CHAMPION_FILES / "metrics.json")
    record = ChampionRecord(
        champion=champion.architecture,
        model=model,
        version=champion.number,
        model_hash=champion.model_hash,
        git_commit=champion.tags.get("git_commit", ""),
        data_hash=champion.tags.get("data_hash", ""),
        run_id=champion.run_id,
        init=read_initial_weights(champion),
        champion_reasons=tuple(champion.tags[REASONS].split("\n")) if REASONS in champion.tags else (),
        models=dict(models),
        decision=decision,
        history=read_history(model, last.decisions.values() if last else ()),
    )
    write_text(RECORD, record.model_dump_json(indent=2) + "\n")
    return record


def fetch_champion(model: str, champion: RegisteredVersion) -> Path:
    """Fetch the champion's network from the registry, unless `models/champion/` has it already.

    Raises:
        StoreError: its file is gone or is not the one that was registered.
    """
    path = CHAMPION_FILES / "model.onnx"
    if path.is_file() and content_hash(path) == champion.model_hash:
        return path
    fetch_model(model, champion, path)
    shutil.rmtree(CHAMPION_FILES / "predictions", ignore_errors=True)  # of the champion before
    return path


def champion_predictions() -> NetworkPredictions:
    """What the network in `models/champion/` predicts; this checkout's own networks have predicted already."""
    return predictions_of(CHAMPION_FILES / "model.onnx", CHAMPION_FILES / "predictions")
