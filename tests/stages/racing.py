"""A process that tries to move the champion, started by a test together with another one."""

from __future__ import annotations

from stages.errors import ChampionMovedError
from stages.registry.champion import move_champion

ROUNDS = 5


def race(model_name, number, barrier, results) -> None:
    """Decide, in each round, against version 1, at the same moment as the other; report the outcome."""
    for _ in range(ROUNDS):
        barrier.wait(120)
        try:
            move_champion(model_name, 1, number)
            results.put((number, ""))
        except ChampionMovedError as error:
            results.put((number, str(error)))
        barrier.wait(120)
