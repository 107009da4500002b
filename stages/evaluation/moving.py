"""The trail network evaluated: what it predicts for trails, and which letters a service finds in takes with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from tqdm import tqdm

from client.trail import Trail
from service.movement import Movement
from stages.data.trails import MOVING_LETTERS, TRAIL_CLASSES, draw_trails
from stages.evaluation.networks import BATCH_SIZE, run
from stages.evaluation.report import DECIMALS
from stages.files import read_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from stages.data.sequences import RawSequences
    from stages.data.trails import Trails
    from stages.evaluation.networks import Network

TEST_REPORT: Final = Path("reports/trail/test.json")
Share = Annotated[float, Field(ge=0, le=1)]


class SyntheticReport(BaseModel):
    """What is recognised of synthetic trails that nothing was trained on."""

    model_config = ConfigDict(frozen=True)

    trails: int
    accuracy: Share
    recall: dict[str, Share]
    """Of J and of Z: the share of those just drawn that are recognised."""
    false: Share
    """Share of the other trails that are taken for J or Z."""
    false_by_movement: dict[str, Share]


class TakesReport(BaseModel):
    """What a service finds in takes of people, one letter each."""

    model_config = ConfigDict(frozen=True)

    signers: int
    takes: dict[str, int]
    """Takes of J, of Z and of the others."""
    recall: dict[str, Share]
    """Of J and of Z: the share of the takes in which the letter is found, and no other moving one."""
    false: Share
    """Share of the other takes in which J or Z is found."""


class TrailReport(BaseModel):
    """What `reports/trail/test.json` holds."""

    model_config = ConfigDict(frozen=True)

    synthetic: SyntheticReport
    takes: dict[str, TakesReport]
    """By name of the file."""

    @classmethod
    def read(cls, path: Path = TEST_REPORT) -> Self:
        """Read the report.

        Raises:
            InputError: the file is missing or damaged.
        """
        return read_model(cls, path, "dvc repro test_trail")


def predict_trails(network: Network, trails: Trails) -> npt.NDArray[np.float32]:
    """Predict N trails: probabilities (N, 3) in the order of `TRAIL_CLASSES`."""
    batches = []
    for start in tqdm(range(0, len(trails), BATCH_SIZE), desc="trails", unit="batch"):
        rows = np.arange(start, min(start + BATCH_SIZE, len(trails)))
        batches.append(run(network, draw_trails(trails, rows)))
    return np.concatenate(batches)


def report_trails(probabilities: npt.NDArray[np.floating[Any]], trails: Trails) -> SyntheticReport:
    """Score what was predicted, (N, 3), for N trails."""
    predicted, other = probabilities.argmax(axis=1), TRAIL_CLASSES.index("nothing")
    wrong = (predicted != other) & (trails.classes == other)
    kinds = sorted(set(trails.kinds[trails.classes == other].tolist()))
    return SyntheticReport(
        trails=len(trails),
        accuracy=_share(predicted == trails.classes),
        recall={
            letter: _share((predicted == number)[trails.classes == number])
            for number, letter in enumerate(MOVING_LETTERS)
        },
        false=_share(wrong[trails.classes == other]),
        false_by_movement={kind: _share(wrong[(trails.kinds == kind) & (trails.classes == other)]) for kind in kinds},
    )


def find_drawn(network: Network, takes: RawSequences) -> list[str]:
    """Find the letters drawn in takes, as client and service do: trails while the hand moves, then the state machine.

    Returns:
        For each take the letters drawn, in order.
    """
    pictures, places = [], []
    for number, (landmarks, times) in enumerate(zip(takes.landmarks, takes.times, strict=True)):
        trail = Trail()
        for frame, (hand, time) in enumerate(zip(landmarks, times.tolist(), strict=True)):
            trail.add(time, hand if np.isfinite(hand).all() else None)
            picture = trail.draw() if np.isfinite(hand).all() else None
            if picture is not None:
                pictures.append(picture)
                places.append((number, frame))
    asked: dict[tuple[int, int], Any] = {}
    for start in tqdm(range(0, len(pictures), BATCH_SIZE), desc="takes", unit="batch"):
        rows = run(network, np.stack(pictures[start : start + BATCH_SIZE]))
        asked |= dict(zip(places[start : start + BATCH_SIZE], rows, strict=True))
    return [_replay(network, number, times, asked) for number, times in enumerate(takes.times)]


def _replay(network: Network, take: int, times: npt.NDArray[np.float64], asked: Mapping[tuple[int, int], Any]) -> str:
    """Give the letters drawn in one take, from what the network predicted for its frames."""
    movement, text = Movement(), ""
    for frame, time in enumerate(times[np.isfinite(times)].tolist()):
        row = asked.get((take, frame))
        shares = None if row is None else dict(zip(network.classes, row.tolist(), strict=True))
        drawn = movement.update(shares, time)
        text += "" if drawn is None else drawn.letter
    return text


def report_takes(network: Network, takes: RawSequences) -> TakesReport:
    """Count in which takes J and Z are found."""
    drawn, labels = np.array(find_drawn(network, takes)), takes.labels
    other = ~np.isin(labels, MOVING_LETTERS)
    counts = {letter: int((labels == letter).sum()) for letter in MOVING_LETTERS}
    return TakesReport(
        signers=len(set(takes.signers.tolist()) - {""}),
        takes=counts | {"others": int(other.sum())},
        recall={letter: _share(drawn[labels == letter] == letter) for letter in MOVING_LETTERS if counts[letter]},
        false=_share(drawn[other] != ""),
    )


def _share(hits: npt.NDArray[np.bool_]) -> float:
    return round(float(hits.mean()), DECIMALS) if len(hits) else 0.0
