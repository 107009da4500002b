"""One trial: a network trained on a short schedule with the values to try."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stages.search.space import settings
from stages.training.fit import fit
from stages.training.reports import EpochReports
from stages.training.weights import start_network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stages.data.processed import Processed
    from stages.params import Augment, Phase, Train
    from stages.search.space import Values

UNFINISHED: Final = Path("models/unfinished")


def try_values(
    architecture: str,
    init: str,
    data: Processed,
    schedule: Sequence[Phase],
    train: Train,
    augment: Augment,
    values: Values,
    report: Callable[[int, float], None],
) -> float:
    """Train a network and discard it.

    Args:
        architecture: name of the network.
        init: weights that it starts from.
        data: processed data.
        schedule: phases of training.
        train: parameters of training, of which `values` replace some.
        augment: random changes to each sample, of which `values` replace some.
        values: numbers to try, by dotted name.
        report: called after each epoch with its number and validation accuracy; an exception ends the training.

    Returns:
        Validation accuracy of the best epoch at the last image size.
    """
    train, augment = settings(train, augment, values)
    network, early_layers = start_network(architecture, init, data.class_names, train.dropout)
    UNFINISHED.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trial-", dir=UNFINISHED) as scratch:
        history = fit(
            network,
            data,
            list(schedule),
            train,
            augment,
            Path(scratch) / architecture,
            early_layers,
            [EpochReports(report)],
        )
    return max(row["val_accuracy"] for row in history if row["image_size"] == schedule[-1].image_size)
