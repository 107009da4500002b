"""Compare what this checkout has with the registry's champion: the packed model, or the champion record.

`dvc exp apply`, `dvc checkout` and `git checkout` bring back an older `bento/` and `reports/register.json`, and nothing
that DVC watches tells it that the registry's champion is another one.

Usage: python -m stages.commands.check_champion {bento,record}
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Final

from stages.errors import InputError, run_door
from stages.export.bento import PACKED_MODEL
from stages.files import content_hash
from stages.params import Register, read_params
from stages.registry.location import sqlite_file, store_name
from stages.registry.quick import read_champion_content, read_recorded_hash

OTHER: Final = 3
"""Exit status if the champion record names another champion than the registry."""


def main() -> None:
    """Say what is wrong, and the next step."""
    parser = ArgumentParser(
        prog="python -m stages.commands.check_champion",
        description="Compare with the registry's champion. Exit status: 0 it is the same, 1 error or another packed "
        "model, 3 another champion on record.",
    )
    parser.add_argument("what", choices=("bento", "record"), help="the packed model, or reports/register.json")
    if parser.parse_args().what == "bento":
        check_bento()
    elif not is_record_current():
        sys.exit(OTHER)


def check_bento() -> None:
    """Make sure that the model in `bento/` is the registry's champion; without a registry, say that nobody knows.

    Raises:
        InputError: it is another one, or there is none.
    """
    name = read_params(Register).model
    champion = read_champion_content(name)
    if champion is None:
        sys.stdout.write(
            f"{store_name()} has no champion of '{name}', so the model in bento/ is not compared with it.\n"
        )
        return
    if not PACKED_MODEL.is_file():
        raise InputError(f"{PACKED_MODEL} is missing. Package the champion: make repro")
    packed = content_hash(PACKED_MODEL)
    if packed != champion.model_hash:
        raise InputError(
            f"bento/ holds model {packed[:12]}, but the champion of '{name}' is {champion}. Package the champion: "
            f"{_next_step(champion.model_hash)}. To serve the other one all the same: "
            f"FINGERSPELL_MODEL={PACKED_MODEL} make serve"
        )


def _next_step(champion_hash: str) -> str:
    """What to type so that the champion is packaged; `make repro` does not ask a server whether reports are current."""
    if read_recorded_hash() == champion_hash:
        return "dvc repro --force --single-item package"
    return "make repro" if sqlite_file() else "dvc repro --force --single-item register, then make repro"


def is_record_current() -> bool:
    """Whether the champion record names the champion of a registry that is a file.

    A server is not asked: `make repro` should not depend on it if there is nothing to do, and `package` asks it.
    """
    file = sqlite_file()
    if file is None:
        return True
    champion = read_champion_content(read_params(Register).model)
    return champion is not None and champion.model_hash == read_recorded_hash()


if __name__ == "__main__":
    run_door(main)
