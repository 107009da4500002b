"""Stage `test_sets`: the unseen signers that every network is evaluated on, photographs already detected.

Usage: python -m stages.test_sets
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from stages.data.people import People, people_of_weights
from stages.data.processed import read_processed
from stages.errors import run_door
from stages.evaluation.overlaps import check_unseen
from stages.evaluation.people_sets import PeopleSet
from stages.evaluation.sets import TEST_SETS
from stages.evaluation.test_sets import TEST_DATA, hash_sources, prepare_test_sets, raw_test_files
from stages.files import atomic_folder
from stages.params import ARCHITECTURES, PRETRAINED, Preprocess, Test, read_init, read_params


def main() -> None:
    """Read the raw files in `data/test/`, or synthesize signers if there are none; write `data/test_sets/`.

    Sets that share signers or samples with `data/processed/`, or with what the weights in `pretrained/` that training
    starts from were trained on, are refused.
    """
    ArgumentParser(prog="python -m stages.test_sets", description=main.__doc__).parse_args()
    files = raw_test_files()
    hash_sources(files, PeopleSet.TEST)  # refuses files of the development set
    sets = prepare_test_sets(files, read_params(Test), read_params(Preprocess))
    check_unseen([*sets.unseen, sets.non_letters], read_processed(), _people_before())
    with atomic_folder(TEST_SETS) as partial:
        sets.write(partial)
    for each in sets.unseen:
        sys.stdout.write(f"{each.name}: hands in {len(each.samples)} of {each.n_photos} photographs\n")
    if sets.unseen[0].synthetic:
        sys.stdout.write(
            f"These signers are synthetic. Put raw .npz files of people into {TEST_DATA}/ and run again.\n"
        )


def _people_before() -> dict[str, People | None]:
    """On whom the weights that training starts from were trained, by their file."""
    files = {PRETRAINED / read_init(architecture) for architecture in ARCHITECTURES}
    return {str(path): people_of_weights(path) for path in sorted(files) if path.is_file()}


if __name__ == "__main__":
    run_door(main)
