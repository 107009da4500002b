"""Give the alias `champion` back to the version before, in the registry and in this checkout's record.

Usage: python -m stages.commands.rollback
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from stages.errors import run_door
from stages.params import Register, read_params
from stages.registry.champion import roll_back
from stages.registry.record import ChampionRecord, GateDecision, write_record


def main() -> None:
    """Move the alias; the content that loses it is not promoted again unless a person proposes it with `--again`."""
    ArgumentParser(
        prog="python -m stages.commands.rollback", description="Give the alias back to the version before."
    ).parse_args()
    name = read_params(Register).model
    last = ChampionRecord.read_last(name)
    former, champion = roll_back(name)
    if last is not None:
        reason = f"Version {former.number} was rolled back, so version {champion.number} is the champion again."
        decision = GateDecision(
            candidate=former.architecture,
            version=former.number,
            model_hash=former.model_hash,
            promoted=False,
            reasons=(reason,),
        )
        write_record(name, champion, last.models, decision)
    sys.stdout.write(
        f"{champion.architecture}, version {champion.number} of {name}, is the champion again; version {former.number} "
        "is not promoted again unless you propose it with --again.\n"
        "Next: make repro (test and package of the champion), then make serve.\n"
    )


if __name__ == "__main__":
    run_door(main)
