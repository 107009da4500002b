"""Give the alias `champion` back to the version before, in the registry and in this checkout's reports.

Usage: python -m stages.commands.rollback
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from stages.errors import run_door
from stages.params import Register, read_params
from stages.registry.champion import roll_back
from stages.registry.record import read_models, write_standing


def main() -> None:
    """Move the alias; the content that loses it is not promoted again unless a person offers it with `--again`."""
    ArgumentParser(
        prog="python -m stages.commands.rollback", description="Give the alias back to the version before."
    ).parse_args()
    name = read_params(Register).model
    left, champion = roll_back(name)
    reason = f"Version {left.number} was rolled back, so version {champion.number} is the champion again."
    models = read_models()
    if models is not None:
        decision = {
            "candidate": left.architecture,
            "version": left.number,
            "model_hash": left.model_hash,
            "promoted": False,
            "reasons": [reason],
        }
        write_standing(name, champion, models, decision)
    sys.stdout.write(
        f"{champion.architecture}, version {champion.number} of {name}, is the champion again; version {left.number} "
        "is not promoted again unless you offer it with --again.\n"
        "Next: make repro (exam and package of the champion), then make serve.\n"
    )


if __name__ == "__main__":
    run_door(main)
