"""The parameters that a search changes, and the result of a trial."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stages.errors import InputError
from stages.params import PARAMS_FILE, changed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stages.params import Augment, Phase, Range, Train

Values = dict[str, float]
"""Numbers by dotted name, such as `train.lr`."""


@dataclass(frozen=True)
class Trial:
    """A finished trial."""

    number: int
    """Position in the study, from 0."""
    pruned: bool
    """Ended early because it had fallen behind the others."""
    values: Values
    accuracies: dict[int, float]
    """Validation accuracy by epoch."""
    accuracy: float
    """Validation accuracy of the best epoch at the size in use; of the last epoch if the trial was pruned."""
    begun: float
    ended: float
    """Seconds since 1970."""


def settings(train: Train, augment: Augment, values: Mapping[str, float]) -> tuple[Train, Augment]:
    """Put values into the parameters of training.

    Raises:
        InputError: a value is out of the range of its parameter.
    """
    parts = {
        section: {name.split(".")[1]: value for name, value in values.items() if name.startswith(f"{section}.")}
        for section in ("train", "augment")
    }
    return changed(train, **parts["train"]), changed(augment, **parts["augment"])


def present_values(space: Mapping[str, Range], train: Train, augment: Augment) -> Values:
    """Look up the current values; the search starts from them, so that it never ends with worse ones.

    Raises:
        InputError: one is outside its range in the space.
    """
    sections = {"train": train, "augment": augment}
    values = {name: getattr(sections[name.split(".")[0]], name.split(".")[1]) for name in space}
    for name, value in values.items():
        if not space[name].low <= value <= space[name].high:
            raise InputError(
                f"{PARAMS_FILE}: {name} is {value}, outside its range in tune.space, {space[name].low} to "
                f"{space[name].high}. Widen the range and run again."
            )
    return values


def shortened(schedule: Sequence[Phase], samples: int) -> list[Phase]:
    """Scale a schedule to a total number of samples; the phases keep their shares."""
    share = samples / sum(phase.epochs * phase.samples for phase in schedule)
    return [changed(phase, samples=max(1, round(phase.samples * share))) for phase in schedule]


def study_name(
    architecture: str,
    weights_hash: str,
    data_hash: str,
    schedule: Sequence[Phase],
    space: Mapping[str, Range],
    train: Train,
    augment: Augment,
) -> str:
    """Name a study after everything that its trials share: trials with other data or settings are not comparable.

    The searched values themselves do not change the name, so a study goes on after they were written back.
    """
    fixed = settings(train, augment, {name: ends.low for name, ends in space.items()})
    common = repr((weights_hash, data_hash, list(schedule), sorted(space.items()), fixed))
    return f"{architecture}-{hashlib.sha256(common.encode()).hexdigest()[:8]}"
