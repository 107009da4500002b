"""Stage `test_sets`: the unseen signers that every network is evaluated on, photographs already detected.

Usage: python -m stages.test_sets
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from stages.errors import run_door
from stages.evaluation.test_sets import TEST_DATA, TEST_SETS, prepare_test_sets, raw_test_files
from stages.files import atomic_folder
from stages.params import Preprocess, Synthesize, Test, read_params


def main() -> None:
    """Read the raw files in `data/test/`, or synthesize signers if there are none; write `data/test_sets/`."""
    ArgumentParser(prog="python -m stages.test_sets", description=main.__doc__).parse_args()
    files = raw_test_files()
    sets = prepare_test_sets(files, read_params(Test), read_params(Preprocess), read_params(Synthesize).seed)
    with atomic_folder(TEST_SETS) as partial:
        sets.write(partial)
    for each in sets.unseen:
        sys.stdout.write(f"{each.name}: hands in {len(each.samples)} of {each.n_photos} photographs\n")
    if not files:
        sys.stdout.write(
            f"These signers are synthetic. Put raw .npz files of people into {TEST_DATA}/ and run again.\n"
        )


if __name__ == "__main__":
    run_door(main)
