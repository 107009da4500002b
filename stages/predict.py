"""Stage `predict`: one exported network predicts the validation split and the test sets, once, to files.

Usage: python -m stages.predict NETWORK
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from stages.errors import run_door
from stages.evaluation.predictions import PREDICTIONS, predict_all
from stages.files import write_text
from stages.params import ARCHITECTURES, REFERENCE


def main() -> None:
    """Read `models/<network>/`, `data/processed/` and `data/test_sets/`; write `data/predictions/<network>/`."""
    parser = ArgumentParser(prog="python -m stages.predict", description="Let one trained network predict every set.")
    parser.add_argument("network", choices=(*ARCHITECTURES, REFERENCE))
    network = parser.parse_args().network
    model = Path("models") / network / "model.onnx"
    if network == REFERENCE and not model.is_file():
        write_text(PREDICTIONS / network / "none.txt", "The data set is of ready-made masks: there is no reference.\n")
        return
    predict_all(model, PREDICTIONS / network)


if __name__ == "__main__":
    run_door(main)
