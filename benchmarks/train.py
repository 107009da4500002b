"""Training speed in samples a second: a plain loop, one change at a time, and training as it is.

`make bench-train` runs it. It needs no data: synthetic hands are made in memory, networks have random weights.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from benchmarks.loops import Lane, Loop, Source, Way, take_turns
from client.mask import MASK_SIZE
from service.cores import usable_cores
from stages.data.processed import Processed, Split
from stages.errors import run_door
from stages.files import write_text
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands
from stages.models.build import build_network
from stages.params import ARCHITECTURES, Augment, Phase, Train, changed, read_params, read_schedule
from stages.training.memory import keep_freed_memory
from stages.training.precision import use_bfloat16

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Report = dict[str, Any]

REPORT: Final = Path("reports/bench_train.json")
PLAIN: Final = "plain loop"
COMPILED: Final = "torch.compile"
TRAINING: Final = "as in training"
VARIANTS: Final = {
    PLAIN: Way(),
    "channels_last": Way(channels_last=True),
    "bf16": Way(precision="bf16"),
    COMPILED: Way(compiled=True),
    "progressive size": Way(progressive=True),
    "drawn ahead": Way(feed="ahead"),
    TRAINING: Way(channels_last=True, precision="schedule", progressive=True, feed="ahead"),
}
"""Each row but the last differs from the plain loop in one thing."""
SIGNERS: Final = 40
MOST_STEPS: Final = 1000
"""Most steps in a turn at the size in use; turns of a schedule's phases are at most one epoch long."""
EMULATED: Final = 10
"""Divisor of the batch size in bfloat16 on processors that emulate it, about ten times as slowly."""
WAIT_GOAL: Final = 0.05
"""Share of the time that training may wait for data."""


def main() -> None:
    """Print the tables and write `reports/bench_train.json`."""
    parser = argparse.ArgumentParser(description="Samples a second in training: a plain loop and each change to it.")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a turn; one step at least (default: 1)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each variant, the median counts (default: 3)")
    parser.add_argument("--batch-size", type=int, help="samples in a step (default: that of params.yaml)")
    parser.add_argument("--without-compiled", action="store_true", help=f"leave out {COMPILED}: a minute a network")
    parser.add_argument("--report", type=Path, default=REPORT, help=f"file of the figures (default: {REPORT})")
    options = parser.parse_args()
    keep_freed_memory()
    train = read_params(Train)
    if options.batch_size is not None:
        train = changed(train, batch_size=options.batch_size)
    names = [name for name in VARIANTS if name != COMPILED or not options.without_compiled]
    source = Source(synthetic_data(), read_params(Augment), "cuda" if torch.cuda.is_available() else "cpu")
    schedules = {architecture: read_schedule(architecture) for architecture in ARCHITECTURES}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache  # or a second run would find everything compiled
        report = measure_all(source, schedules, train, options.seconds, options.rounds, names)
    write_text(options.report, json.dumps(report, indent=2) + "\n")
    sys.stdout.write(as_text(report))


def synthetic_data() -> Processed:
    """Make hands of synthetic signers who show every letter; the validation split does not matter here."""
    hands = synthesize_hands(read_handshapes(), SIGNERS, samples_per_letter=1, seed=0, non_letters=1)
    names, classes = np.unique(hands.labels, return_inverse=True)
    split = Split(hands.landmarks, classes, hands.signers)
    return Processed(split, split, tuple(names.tolist()))


def measure_all(
    source: Source,
    schedules: Mapping[str, list[Phase]],
    train: Train,
    seconds: float,
    rounds: int,
    names: Sequence[str] = tuple(VARIANTS),
) -> Report:
    """Measure every network in the variants that `names` lists; on a GPU also with a batch that is there already."""
    networks = {}
    for architecture, schedule in schedules.items():
        networks[architecture] = {"variants": measure(architecture, schedule, source, train, seconds, rounds, names)}
        if source.device == "cuda":
            networks[architecture]["limits"] = against_limit(architecture, source, train, seconds, rounds)
    machine = {
        "device": torch.cuda.get_device_name() if source.device == "cuda" else "cpu",
        "cores": usable_cores(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "bfloat16": use_bfloat16(source.device, "bf16"),
        "torch": torch.__version__,
    }
    return {"machine": machine, "batch_size": train.batch_size, "networks": networks}


def measure(
    architecture: str,
    schedule: list[Phase],
    source: Source,
    train: Train,
    seconds: float,
    rounds: int,
    names: Sequence[str],
) -> Report:
    """Measure one network in some of `VARIANTS`, the plain loop among them.

    Returns:
        For each of them, what `summary` gives; for one that this machine cannot run, a `note` that says why.
    """
    lanes = {}
    for name in names:
        way = VARIANTS[name]
        loop = Loop(build_network(architecture, len(source.data.class_names), train.dropout), way, source.device)
        lanes[name] = lanes_of(way, loop, schedule, source, train.batch_size)
    failure = compile_failure(lanes[COMPILED][0]) if COMPILED in lanes else ""
    if failure:
        del lanes[COMPILED]
    take_turns([lane for of_variant in lanes.values() for lane in of_variant], seconds, rounds, architecture)
    plain = lanes[PLAIN][0].seconds_per_sample
    variants = {name: summary(lanes[name], plain) if name in lanes else {"note": failure} for name in names}
    if COMPILED in lanes:
        variants[COMPILED]["compile_seconds"] = round(lanes[COMPILED][0].warm_up_seconds, 1)
    return variants


def lanes_of(way: Way, loop: Loop, schedule: list[Phase], source: Source, batch_size: int) -> list[Lane]:
    """Plan what is run for a variant: each phase of the schedule, or the size in use alone."""
    served = Phase(epochs=1, image_size=MASK_SIZE, samples=MOST_STEPS * batch_size, precision="fp32")
    emulated = way.precision == "bf16" and not use_bfloat16(source.device, "bf16")
    size = max(2, batch_size // EMULATED) if emulated else batch_size  # batch norm wants two
    return [
        Lane(partial(loop.train, bfloat16=way.uses_bfloat16(source.device, phase)), source, way.feed, phase, size)
        for phase in (schedule if way.progressive else [served])
    ]


def compile_failure(lane: Lane) -> str:
    """Warm up a compiled network; say why that fails, as it does without a C++ compiler."""
    try:
        lane.turn(0.0)
    except RuntimeError as error:
        return f"not available here: {str(error).strip().splitlines()[0]}"
    return ""


def summary(lanes: Sequence[Lane], plain: float) -> Report:
    """Put the phases of a variant together: each counts with all its samples in the schedule.

    Args:
        lanes: one for each phase, measured.
        plain: seconds for a sample in the plain loop.
    """
    samples = np.array([lane.phase.epochs * lane.phase.batches(lane.batch_size) * lane.batch_size for lane in lanes])
    seconds = samples * np.array([lane.seconds_per_sample for lane in lanes])
    rate, wait = samples.sum() / seconds.sum(), np.average([lane.wait for lane in lanes], weights=seconds)
    return {
        "samples_per_second": round(float(rate), 1),
        "ratio": round(float(rate) * plain, 2),
        "wait": round(float(wait), 4),
        "phases": [
            {
                "image_size": lane.phase.image_size,
                "samples_per_second": round(1.0 / lane.seconds_per_sample, 1),
                "wait": round(lane.wait, 4),
            }
            for lane in lanes
        ],
    }


def against_limit(architecture: str, source: Source, train: Train, seconds: float, rounds: int) -> Report:
    """Measure training and inference at the size in use, fed by the loader and with one batch on the device.

    Returns:
        For `training` and `inference` samples a second from the `loader`, of `one batch`, and the `ratio` of the two.
    """
    way = VARIANTS[TRAINING]
    phase = Phase(epochs=1, image_size=MASK_SIZE, samples=MOST_STEPS * train.batch_size, precision="bf16")
    loop = Loop(build_network(architecture, len(source.data.class_names), train.dropout), way, source.device)
    works = {"training": loop.train, "inference": loop.infer}
    pairs = {}
    for name, work in works.items():
        step = partial(work, bfloat16=way.uses_bfloat16(source.device, phase))
        pairs[name] = [Lane(step, source, feed, phase, train.batch_size) for feed in ("ahead", "fixed")]
    take_turns([lane for pair in pairs.values() for lane in pair], seconds, rounds, f"{architecture}, limits")
    return {
        name: {
            "loader": round(1.0 / fed.seconds_per_sample, 1),
            "one batch": round(1.0 / fixed.seconds_per_sample, 1),
            "ratio": round(fixed.seconds_per_sample / fed.seconds_per_sample, 3),
        }
        for name, (fed, fixed) in pairs.items()
    }


def as_text(report: Report) -> str:
    """Write a report as tables of at most 100 columns."""
    machine, networks = report["machine"], report["networks"]
    measured = next(iter(networks.values()))["variants"]
    units = "with bfloat16" if machine["bfloat16"] else f"without bfloat16: batches of 1/{EMULATED} in that row"
    lines = [
        f"{machine['device']}, {machine['cores']} cores ({machine['cpu_capability']}), {units}; "
        f"torch {machine['torch']}, batches of {report['batch_size']}",
        "Samples a second in training, times the plain loop, share of the time spent waiting for data",
        "",
        " " * 18 + "".join(f"{architecture:>27}" for architecture in networks),
        *(f"{name:18}" + "".join(_cell(of["variants"][name]) for of in networks.values()) for name in measured),
        *_notes(networks),
        "",
        "Waiting in training, by phase (goal: below 5 % for each network)",
        *(_waiting(architecture, of["variants"][TRAINING]) for architecture, of in networks.items()),
    ]
    if any("limits" in of for of in networks.values()):
        lines += ["", f"At {MASK_SIZE} px: samples a second fed by the loader, on one batch on the device, their ratio"]
        lines += [_limits(architecture, of["limits"]) for architecture, of in networks.items()]
    return "\n".join(lines) + "\n"


def _cell(variant: Report) -> str:
    if "note" in variant:
        return f"{'-':>27}"
    return f"{variant['samples_per_second']:>10.1f} {variant['ratio']:>6.2f}x {variant['wait']:>8.1%}"


def _notes(networks: Mapping[str, Report]) -> list[str]:
    lines = []
    for architecture, of in networks.items():
        compiled, plain = of["variants"].get(COMPILED), of["variants"][PLAIN]
        if compiled is None:
            continue
        if "note" in compiled:
            lines.append(f"{COMPILED} of {architecture} is {compiled['note']}"[:100])
            continue
        seconds = compiled["compile_seconds"]
        saved = 1.0 / plain["samples_per_second"] - 1.0 / compiled["samples_per_second"]
        pays = f"after {seconds / saved:,.0f} samples at {MASK_SIZE} px" if saved > 0 else "never"
        lines.append(f"{architecture} was compiled in {seconds:.0f} s, not counted above; that pays {pays}")
    return lines


def _waiting(architecture: str, training: Report) -> str:
    phases = "  ".join(f"{phase['image_size']:3} px {phase['wait']:5.1%}" for phase in training["phases"])
    verdict = "" if training["wait"] < WAIT_GOAL else "  ABOVE THE GOAL"
    return f"{architecture:18}whole schedule {training['wait']:5.1%}   {phases}{verdict}"


def _limits(architecture: str, limits: Report) -> str:
    works = (f"{name} {of['loader']:9.1f} {of['one batch']:9.1f} {of['ratio']:6.1%}" for name, of in limits.items())
    return f"{architecture:18}" + "   ".join(works)


if __name__ == "__main__":
    run_door(main)
