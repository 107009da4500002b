"""Which model the registry calls the champion, as the register stage wrote it down."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stages.errors import PipelineError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Champion:
    """A registered model and the network behind it."""

    architecture: str
    model: str
    """Name of the registered model."""
    version: int
    """Version of the registered model that carries the alias `champion`."""


def read_champion(path: Path) -> Champion:
    """Read the champion from the register stage's report.

    Args:
        path: a JSON object with `champion` (an architecture), `model` and `version`.

    Raises:
        PipelineError: the report is missing or says something else.
    """
    try:
        report = json.loads(path.read_text())
        champion = Champion(report["champion"], report["model"], report["version"])
    except FileNotFoundError:
        raise PipelineError(f"{path} is missing. Register the models first: dvc repro register") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PipelineError(f"{path} names no champion ({error!r}). Write it again: dvc repro -f register") from None
    types = (type(champion.architecture), type(champion.model), type(champion.version))
    if types != (str, str, int):
        raise PipelineError(f"{path} names no champion ({champion}). Write it again: dvc repro -f register")
    return champion
