"""What the tests of several rooms of the pipeline share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stages.registry.store import open_store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def empty(tmp_path_factory) -> Path:
    """An empty registry to copy: MLflow takes seconds to make its tables."""
    with pytest.MonkeyPatch.context() as patch:
        file = tmp_path_factory.mktemp("registry") / "mlflow.db"
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
        with open_store():
            return file
