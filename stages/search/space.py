"""What a search changes, and what a trial found out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stages.errors import PipelineError
from stages.params import PARAMS_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stages.params import Augment, Phase, Range, Train

Values = dict[str, float]
"""Numbers by dotted name, such as `train.lr`."""


@dataclass(frozen=True)
class Trial:
    """A trial that came to an end."""

    number: int
    """Position in the study, from 0."""
    pruned: bool
    """Ended early, because it had fallen behind the others."""
    values: Values
    accuracies: dict[int, float]
    """Validation accuracy by epoch."""
    accuracy: float
    """Validation accuracy of the best epoch at the size in use; of the last epoch where the trial was pruned."""
    begun: float
    ended: float
    """Seconds since 1970."""


def settings(train: Train, augment: Augment, values: Mapping[str, float]) -> tuple[Train, Augment]:
    """Put values into the parameters of training.

    Raises:
        PipelineError: a value is out of the range that its parameter may have at all.
    """
    parts = {
        section: {name.split(".")[1]: value for name, value in values.items() if name.startswith(f"{section}.")}
        for section in ("train", "augment")
    }
    return replace(train, **parts["train"]), replace(augment, **parts["augment"])  # type: ignore[arg-type]


def present_values(space: Mapping[str, Range], train: Train, augment: Augment) -> Values:
    """Read the values in force, from which the search starts, so that it never ends with worse ones.

    Raises:
        PipelineError: one is outside of its range in the space.
    """
    sections = {"train": train, "augment": augment}
    values = {name: getattr(sections[name.split(".")[0]], name.split(".")[1]) for name in space}
    for name, value in values.items():
        if not space[name].low <= value <= space[name].high:
            raise PipelineError(
                f"{PARAMS_FILE}: {name} is {value}, outside of its range in tune.space, {space[name].low} to "
                f"{space[name].high}. Widen the range and run again."
            )
    return values


def shortened(schedule: Sequence[Phase], views: int) -> list[Phase]:
    """Make a schedule that sees so many views in all, its phases and their shares as they were."""
    share = views / sum(phase.epochs * phase.views for phase in schedule)
    return [replace(phase, views=max(1, round(phase.views * share))) for phase in schedule]


def study_name(
    architecture: str,
    weights_hash: str,
    data_hash: str,
    schedule: Sequence[Phase],
    space: Mapping[str, Range],
    train: Train,
    augment: Augment,
) -> str:
    """Name a study by all that its trials have in common: trials of other data or settings cannot be compared.

    The values that are searched leave the name as it is, so a study goes on after they were written back.
    """
    fixed = settings(train, augment, {name: ends.low for name, ends in space.items()})
    common = repr((weights_hash, data_hash, list(schedule), sorted(space.items()), fixed))
    return f"{architecture}-{hashlib.sha256(common.encode()).hexdigest()[:8]}"
