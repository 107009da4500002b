"""A training loop in several variants that take turns, and the time that each computes and waits for data."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import repeat
from statistics import median
from typing import TYPE_CHECKING, Literal

import torch
from tqdm import tqdm

from stages.data.loader import TrainingBatches
from stages.models.masks import normalise
from stages.params import changed
from stages.training.fit import Masks
from stages.training.muon import Muon
from stages.training.precision import use_bfloat16

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from stages.data.loader import TrainingBatch
    from stages.data.processed import Processed
    from stages.models.build import Network
    from stages.params import Augment, Phase

    Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]

Feed = Literal["here", "ahead", "fixed"]
"""Source of the batches: drawn by the loop itself, ahead of it by threads, or one batch that is on the device."""


@dataclass(frozen=True)
class Way:
    """How a network is trained; the defaults are the plain loop."""

    channels_last: bool = False
    precision: Literal["fp32", "bf16", "schedule"] = "fp32"
    """`schedule` is the precision that training uses for a phase on this device."""
    compiled: bool = False
    progressive: bool = False
    """Whether masks have the sizes of the schedule instead of the one in use."""
    feed: Feed = "here"

    def uses_bfloat16(self, device: str, phase: Phase) -> bool:
        """Whether a phase is computed in bfloat16."""
        if self.precision == "schedule":
            return use_bfloat16(device, phase.precision)
        return self.precision == "bf16"


@dataclass(frozen=True)
class Pass:
    """Some steps in a row."""

    steps: int
    samples: int
    seconds: float
    waited: float
    """Seconds of these spent waiting for batches."""


class Loop:
    """A network with its optimiser, in one memory layout, compiled or not."""

    def __init__(self, network: Network, way: Way, device: str) -> None:
        self._channels_last, self._device = way.channels_last, device
        layout = torch.channels_last if way.channels_last else torch.contiguous_format
        self._network = network.to(device=device, memory_format=layout)
        self._optimiser = Muon(self._network, lr=0.001)
        self._forward = torch.compile(self._network, dynamic=False) if way.compiled else self._network
        loss = self._network.training_loss
        self._loss = torch.compile(loss, dynamic=False) if way.compiled else loss

    def train(self, batch: TrainingBatch | Tensors, *, bfloat16: bool) -> None:
        """Make a step: forward, backward, Muon."""
        self._network.train()
        masks, classes, landmarks = (self._tensor(array) for array in batch)
        with torch.autocast(self._device, torch.bfloat16, enabled=bfloat16):
            loss, _ = self._loss(self._normalised(masks), classes, landmarks)
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()

    @torch.inference_mode()
    def infer(self, batch: TrainingBatch | Tensors, *, bfloat16: bool) -> None:
        """Predict masks, the forward half of a step."""
        self._network.eval()
        with torch.autocast(self._device, torch.bfloat16, enabled=bfloat16):
            self._forward(self._normalised(self._tensor(batch[0])))

    def _normalised(self, masks: torch.Tensor) -> torch.Tensor:
        x = normalise(masks)
        return x if self._channels_last else x.contiguous()

    def _tensor(self, array: object) -> torch.Tensor:
        return torch.as_tensor(array, device=self._device)


@dataclass(frozen=True)
class Source:
    """The data from which batches are drawn, and the device that they are for."""

    data: Processed
    augment: Augment
    device: str = "cpu"
    seed: int = 0

    def batches(self, feed: Feed, phase: Phase, batch_size: int) -> Iterable[TrainingBatch | Tensors]:
        """Return the batches of an epoch of a phase."""
        if feed == "ahead":
            return Masks(self.data, self.augment, [phase], batch_size=batch_size, seed=self.seed).train_dataloader()
        count = phase.batches(batch_size)
        drawn = TrainingBatches(
            self.data.train,
            self.augment,
            image_size=phase.image_size,
            batches=count,
            batch_size=batch_size,
            seed=self.seed,
            epoch=0,
        )
        if feed == "here":
            return (drawn[number] for number in range(count))
        masks, classes, landmarks = (torch.as_tensor(array, device=self.device) for array in drawn[0])
        return repeat((masks, classes, landmarks), count)


@dataclass
class Lane:
    """One thing to measure: a step on batches of one size, repeated in turn with other lanes."""

    step: Callable[[TrainingBatch | Tensors], None]
    source: Source
    feed: Feed
    phase: Phase
    batch_size: int
    passes: list[Pass] = field(default_factory=list)
    """The first one warms up and is not counted; a compiled network is compiled in it."""

    def turn(self, seconds: float) -> None:
        """Run for about `seconds`, estimated from the steps so far, but no longer than an epoch."""
        phase = changed(self.phase, samples=self._steps(seconds) * self.batch_size)
        batches = self.source.batches(self.feed, phase, self.batch_size)
        self.passes.append(run(batches, self.step, self.source.device))

    def _steps(self, seconds: float) -> int:
        if not self.passes:
            return 1
        # Nothing can be drawn ahead of the first batch, so a single step would not show the difference.
        least = 3 if self.feed == "ahead" else 1
        step = min(each.seconds / each.steps for each in self.passes)
        return min(max(least, round(seconds / step)), self.phase.batches(self.batch_size))

    @property
    def counted(self) -> list[Pass]:
        """Passes after the warm-up."""
        return self.passes[1:]

    @property
    def seconds_per_sample(self) -> float:
        """Median over the passes."""
        return median(each.seconds / each.samples for each in self.counted)

    @property
    def wait(self) -> float:
        """Share of the time that was spent waiting for data."""
        return sum(each.waited for each in self.counted) / sum(each.seconds for each in self.counted)

    @property
    def warm_up_seconds(self) -> float:
        """Extra time of the first step compared with a usual one."""
        return self.passes[0].seconds - self.passes[0].samples * self.seconds_per_sample


def run(
    batches: Iterable[TrainingBatch | Tensors], step: Callable[[TrainingBatch | Tensors], None], device: str = "cpu"
) -> Pass:
    """Make a step on each batch, and time batches and steps separately."""
    steps, samples, waited = 0, 0, 0.0
    begun = asked = time.perf_counter()
    for batch in batches:
        waited += time.perf_counter() - asked
        step(batch)
        if device == "cuda":
            torch.cuda.synchronize()
        steps, samples = steps + 1, samples + len(batch[1])
        asked = time.perf_counter()
    return Pass(steps, samples, time.perf_counter() - begun, waited)


def take_turns(lanes: Sequence[Lane], seconds: float, rounds: int, title: str) -> None:
    """Warm up every lane, then run each in every round, so that a drift of the machine affects all of them."""
    turns = [lane for lane in lanes if not lane.passes] + rounds * list(lanes)
    for lane in tqdm(turns, desc=title, unit="turn", leave=False):
        lane.turn(seconds)
