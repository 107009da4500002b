"""The champion by ONNX Runtime in float32 and in int8, and by OpenVINO: time and accuracy on unseen signers.

`make bench-engines MODEL=model.onnx DATA="one.npz two.npz"`. The service uses ONNX Runtime in float32; this measures
what another choice would gain on this machine. OpenVINO is measured if it is installed: nothing else needs it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from tqdm import tqdm

from benchmarks.service import MODEL, draw_masks
from service.cores import usable_cores
from service.recogniser import Recogniser
from stages.commands.quantize import quantize
from stages.errors import PipelineError, run_door
from stages.evaluation.networks import load_network
from stages.evaluation.predictions import predict_set
from stages.evaluation.test_sets import read_sets
from stages.files import write_text
from stages.params import Preprocess, read_params

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Masks = npt.NDArray[np.uint8]
    Engine = Callable[[Masks], npt.NDArray[np.float32]]

REPORT: Final = Path("reports/bench_engines.json")
BATCHES: Final = (1, 8)


def main() -> None:
    """Print a table and write `reports/bench_engines.json`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description="float32, int8 and OpenVINO.")
    parser.add_argument("--model", type=Path, default=MODEL, help="the model (default: the Bento's)")
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="raw files of people, for the accuracy")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a turn (default: 2)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each, the median counts (default: 5)")
    options = parser.parse_args()
    if not options.model.is_file():
        raise PipelineError(f"{options.model} is missing. Make it, or name another: make repro")
    masks = np.stack(draw_masks())
    with tempfile.TemporaryDirectory() as folder:
        int8 = Path(folder) / "int8.onnx"
        quantize(options.model, int8)
        engines = open_engines(options.model, int8)
        report: dict[str, Any] = {"cores": usable_cores(), "engines": measure(engines, masks, options)}
        for name, accuracy in score_people(options.model, engines, options.data).items():
            report["engines"][name]["accuracy"] = accuracy
    write_text(REPORT, json.dumps(report, indent=2) + "\n")
    sys.stdout.write(as_text(report))


def open_engines(model: Path, int8: Path) -> dict[str, Engine]:
    """Open every engine that is installed; each uses every core."""
    engines: dict[str, Engine] = {
        "ONNX Runtime, float32": Recogniser(model).predict,
        "ONNX Runtime, int8": Recogniser(int8).predict,
    }
    if importlib.util.find_spec("openvino") is None:
        sys.stderr.write("OpenVINO is not installed and not measured: pip install openvino\n")
        return engines
    import openvino  # noqa: PLC0415 - an extra that few have

    core = openvino.Core()

    def compile_with(path: Path, precision: str) -> Engine:
        compiled = core.compile_model(
            str(path), "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
        )
        return lambda masks: np.asarray(compiled([masks])[0], dtype=np.float32)

    return engines | {
        "OpenVINO, float32": compile_with(model, "f32"),
        "OpenVINO, bfloat16": compile_with(model, "bf16"),
        "OpenVINO, int8": compile_with(int8, "f32"),
    }


def measure(engines: dict[str, Engine], masks: Masks, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Time every engine in turn, in batches of one and of eight."""
    took: dict[str, dict[int, list[float]]] = {name: {size: [] for size in BATCHES} for name in engines}
    for _ in tqdm(range(options.rounds), unit="round"):
        for name, engine in engines.items():
            for size in BATCHES:
                took[name][size].append(_seconds(engine, masks[:size], options.seconds / len(BATCHES)))
    return {
        name: {f"batch_{size}_ms": round(median(of[size]) * 1000, 3) for size in BATCHES} for name, of in took.items()
    }


def score_people(model: Path, engines: dict[str, Engine], files: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Score unseen people: accuracy of each engine on each source, missed hands counted as errors."""
    network = load_network(model)
    networks = {name: replace(network, session=_Session(engine)) for name, engine in engines.items()}
    accuracy: dict[str, dict[str, float]] = {name: {} for name in engines if files}
    for source in read_sets(files, read_params(Preprocess)):
        for name, each in networks.items():
            accuracy[name][source.name] = round(predict_set(each, source).accuracy, 4)
    return {name: of | {"mean": round(float(np.mean(list(of.values()))), 4)} for name, of in accuracy.items()}


def as_text(report: dict[str, Any]) -> str:
    """Write the report as a table."""
    engines = report["engines"]
    base = next(iter(engines.values()))
    lines = [f"{'':24}{'1 mask, ms':>12}{'8 masks, ms':>13}{'speed, 1':>10}{'speed, 8':>10}{'unseen':>11}"]
    for name, of in engines.items():
        one, eight = (of[f"batch_{size}_ms"] for size in BATCHES)
        speed = [base[f"batch_{size}_ms"] / of[f"batch_{size}_ms"] for size in BATCHES]
        accuracy = f"{of['accuracy']['mean']:11.4f}" if "accuracy" in of else ""
        lines.append(f"{name:24}{one:12.2f}{eight:13.2f}{speed[0]:10.2f}{speed[1]:10.2f}{accuracy}")
    return "\n".join([f"{report['cores']} cores", *lines]) + "\n"


class _Session:
    """What a network needs of ONNX Runtime's session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, _: list[str], inputs: dict[str, Masks]) -> list[npt.NDArray[np.float32]]:
        return [self._engine(inputs["masks"])]


def _seconds(engine: Engine, masks: Masks, seconds: float) -> float:
    """Run an engine for so long; the median of its runs."""
    took: list[float] = []
    until = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < until or not took:
        engine(masks)
        took.append(time.perf_counter() - begun)
    return median(took)


if __name__ == "__main__":
    run_door(main)
