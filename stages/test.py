"""Exam: every registered network, and the reference, read signers that none was trained on.

Usage: python -m stages.test [FILE.npz ...] [--out reports/exam.json]
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stages.data.loader import draw_masks
from stages.errors import PipelineError, run_door
from stages.evaluation.networks import Network, load_network
from stages.evaluation.predictions import STRANGERS, examine, examine_non_letters, stranger_files, strangers
from stages.evaluation.test_report import Mistake, build_exam_report, find_mistakes, marks_json
from stages.evaluation.test_scores import Answers, table
from stages.evaluation.test_sets import make_non_letters
from stages.files import content_hash, write_files, write_text
from stages.hand.non_letters import NOTHING
from stages.params import Preprocess, Synthesize, Test, read_params
from stages.registry.results import CHAMPION_FILES, read_registered

if TYPE_CHECKING:
    from stages.data.cleaning import Samples

MODELS: Final = Path("models")
REFERENCE: Final = "landmark_mlp"
REPORT: Final = Path("reports/exam.json")
PIPELINE_REPORT: Final = Path("reports/strangers.json")


def main() -> None:
    """Read raw files and `models/`, write the marks and a folder of pictures beside them, print the marks."""
    arguments = _parse()
    params = read_params(Test)
    champion, model, networks = _load_networks()
    files = arguments.files or stranger_files()
    training_seed = read_params(Synthesize).seed
    given: dict[str, dict[str, Answers]] = {name: {} for name in networks}
    mistakes: list[Mistake] = []
    for source, samples in strangers(files, params, read_params(Preprocess), training_seed):
        for name, answers in examine(networks, source, samples).items():
            given[name][source] = answers
        mistakes += _draw_mistakes(source, samples, given[champion][source], params.mistakes)
    given = {name: answers for name, answers in given.items() if answers}
    able = {name: network for name, network in networks.items() if name in given and NOTHING in network.classes}
    non_letters = examine_non_letters(able, make_non_letters(params, training_seed)) if able else {}
    marks = marks_json(
        given, non_letters, champion, synthetic=not files, threshold=params.threshold, bins=params.calibration_bins
    )
    marks["about"]["model_hash"] = content_hash(model)
    worst = sorted(mistakes, key=lambda mistake: -mistake.confidence)[: params.mistakes]
    report = build_exam_report(given, marks, networks[champion].classes, worst, params.calibration_bins)
    write_files(arguments.out.with_suffix(""), report)
    write_text(arguments.out, json.dumps(marks, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.write(table({name: marks[name] for name in given}, champion))
    if not files:
        sys.stdout.write(
            f"These signers are synthetic. Put raw .npz files of people into {STRANGERS}/ and run again.\n"
        )


def _parse() -> Namespace:
    parser = ArgumentParser(prog="python -m stages.test", description="Accuracy on signers never trained on.")
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE.npz",
        help=f"raw data sets, one for each source; without any, those in {STRANGERS}/, else synthetic signers",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help=f"marks; with files {REPORT}, without {PIPELINE_REPORT}")
    arguments = parser.parse_args()
    arguments.out = arguments.out or (REPORT if arguments.files else PIPELINE_REPORT)
    if arguments.out.suffix != ".json":
        raise PipelineError(f"--out {arguments.out}: the marks are JSON. Name a file that ends in .json.")
    return arguments


def _load_networks() -> tuple[str, Path, dict[str, Network]]:
    """Load the registered networks, the champion first, and the reference; also name the champion and its file."""
    registered = read_registered()
    places = {name: MODELS / name for name in registered.architectures}
    if not registered.is_own:
        places[registered.champion] = CHAMPION_FILES
    names = sorted(places, key=lambda name: name != registered.champion)
    networks = {name: load_network(places[name] / "model.onnx") for name in names}
    reference = MODELS / REFERENCE / "model.onnx"
    if reference.is_file():
        networks[REFERENCE] = load_network(reference)
    return registered.champion, places[registered.champion] / "model.onnx", networks


def _draw_mistakes(source: str, samples: Samples, answers: Answers, count: int) -> list[Mistake]:
    """Draw the masks that were read wrong; photographs are never drawn."""
    rows, captions = find_mistakes(source, answers, count)
    masks = draw_masks(samples.drawable[rows])
    return [
        Mistake(float(answers.confidence[row]), caption, mask)
        for row, caption, mask in zip(rows, captions, masks, strict=True)
    ]


if __name__ == "__main__":
    run_door(main)
