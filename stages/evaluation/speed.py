"""How long networks take and how large they are. These numbers are of a machine, so no metrics to compare runs by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import AfterValidator, BaseModel

from stages.evaluation.networks import load_network, measure_latency
from stages.files import read_model

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

Rounded = Annotated[float, AfterValidator(lambda value: round(value, 3))]


class Speed(BaseModel, frozen=True):
    """Speed and size of one network."""

    latency_ms_median: Rounded
    """Milliseconds for one mask on this machine's CPU."""
    latency_ms_p95: Rounded
    size_mib: Rounded
    """Size of the model file, MiB."""


class SpeedReport(BaseModel, frozen=True):
    """What `reports/speed.json` holds."""

    networks: dict[str, Speed]
    """The champion first; the reference, which is never served, is not among them."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the report.

        Raises:
            InputError: the file is missing or damaged.
        """
        return read_model(cls, path, "dvc repro speed")


def measure_speed(model: Path, mask: npt.NDArray[np.uint8], runs: int) -> Speed:
    """Time predictions of one mask (224, 224, 3) by the network in a file, one after the other.

    Raises:
        InputError: the file cannot be loaded.
    """
    latencies = measure_latency(load_network(model), mask, runs)
    return Speed(
        latency_ms_median=float(np.median(latencies)),
        latency_ms_p95=float(np.percentile(latencies, 95)),
        size_mib=model.stat().st_size / 2**20,
    )
