"""Compare what this checkout has with the registry's champion: the packed model, or the champion record.

`dvc exp apply`, `dvc checkout` and `git checkout` bring back an older `bento/` and `reports/register.json`, and nothing
that DVC watches tells it that the registry's champion is another one.

Usage: python -m stages.commands.check_champion {bento,record,trail_record}
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Final

from stages.errors import InputError, run_door
from stages.export.bento import PACKED_MODEL, PACKED_TRAIL
from stages.files import content_hash
from stages.params import Register, read_params
from stages.registry.location import RECORD, TRAIL_RECORD, sqlite_file, store_name
from stages.registry.quick import read_champion_content, read_recorded_hash

if TYPE_CHECKING:
    from pathlib import Path

RECORDS: Final = {"record": RECORD, "trail_record": TRAIL_RECORD}
OTHER: Final = 3
"""Exit status if the champion record names another champion than the registry."""


def main() -> None:
    """Say what is wrong, and the next step."""
    parser = ArgumentParser(
        prog="python -m stages.commands.check_champion",
        description="Compare with the registry's champion. Exit status: 0 it is the same, 1 error or another packed "
        "model, 3 another champion on record.",
    )
    parser.add_argument("what", choices=("bento", *RECORDS), help="the packed models, or a file in reports/")
    what = parser.parse_args().what
    if what == "bento":
        register = read_params(Register)
        check_bento(register.model, PACKED_MODEL, RECORD, "MODEL")
        check_bento(register.trail_model, PACKED_TRAIL, TRAIL_RECORD, "TRAIL")
    elif not is_record_current(what):
        sys.exit(OTHER)


def check_bento(name: str, packed_model: Path, record: Path, variable: str) -> None:
    """Make sure that a model in `bento/` is the registry's champion; without a registry, say that nobody knows.

    Args:
        name: of the registered model.
        packed_model: its file in the Bento.
        record: the file in `reports/` that names its champion.
        variable: end of the service's variable that names another model.

    Raises:
        InputError: it is another one, or there is none.
    """
    champion = read_champion_content(name)
    if champion is None:
        sys.stdout.write(f"{store_name()} has no champion of '{name}', so the one in bento/ is not compared with it.\n")
        return
    if not packed_model.is_file():
        raise InputError(f"{packed_model} is missing. Package the champion: make repro")
    packed = content_hash(packed_model)
    if packed != champion.model_hash:
        raise InputError(
            f"bento/ holds model {packed[:12]}, but the champion of '{name}' is {champion}. Package the champion: "
            f"{_next_step(champion.model_hash, record)}. To serve the other one all the same: "
            f"FINGERSPELL_{variable}={packed_model} make serve"
        )


def _next_step(champion_hash: str, record: Path) -> str:
    """What to type so that the champion is packaged; `make repro` does not ask a server whether reports are current."""
    if read_recorded_hash(record) == champion_hash:
        return "dvc repro --force --single-item package"
    return "make repro" if sqlite_file() else f"dvc repro --force --single-item {record.stem}, then make repro"


def is_record_current(what: str) -> bool:
    """Whether a champion record, one of `RECORDS`, names the champion of a registry that is a file.

    A server is not asked: `make repro` should not depend on it if there is nothing to do, and `package` asks it.
    """
    file = sqlite_file()
    if file is None:
        return True
    register, record = read_params(Register), RECORDS[what]
    champion = read_champion_content(register.model if record == RECORD else register.trail_model)
    return champion is not None and champion.model_hash == read_recorded_hash(record)


if __name__ == "__main__":
    run_door(main)
