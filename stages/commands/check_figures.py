"""Check that the champion's figures have not fallen: against those committed, and against a released model.

Usage: python -m stages.commands.check_figures [--base REVISION] [--model FILE]
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from stages.errors import run_door
from stages.params import Promote, read_params
from stages.release.figures import compare_reports
from stages.release.history import choose_bases, named_base
from stages.release.released import compare_released

FALLEN: Final = 2
"""Exit status of a fall, which is no error."""


def main() -> None:
    """Read `reports/`, git and a released model; print a table for each; exit with status 2 if a figure falls."""
    arguments, budgets = _parse(), read_params(Promote)
    bases, note = ([named_base(arguments.base)], "") if arguments.base else choose_bases()
    comparisons = [compare_reports(base, budgets) for base in bases]
    if arguments.model:
        comparisons.append(compare_released(arguments.model, budgets))
    sys.stdout.write("\n".join([*map(str, comparisons), *([f"{note}\n"] if note else [])]))
    fallen = [figure.name for comparison in comparisons for figure in comparison.figures if not figure.holds]
    if fallen:
        sys.stdout.write(f"\nFallen: {'; '.join(fallen)}.\n")
        sys.exit(FALLEN)


def _parse() -> Namespace:
    parser = ArgumentParser(
        prog="python -m stages.commands.check_figures",
        description="Have the champion's figures fallen? Exit status: 0 no, 2 yes, 1 error.",
    )
    parser.add_argument(
        "--base", default="", metavar="REVISION", help="commit to compare with (HEAD if reports differ, last release)"
    )
    parser.add_argument("--model", type=Path, help="released model: an .onnx file, or a Bento's folder or .tar.gz")
    return parser.parse_args()


if __name__ == "__main__":
    run_door(main)
