"""The two sets of people that a person evaluates on: a development set to choose by, and a test set only to report.

Their reports are kept apart, and the same file is refused in both: whatever a design was chosen by says too much good
about it.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel

PEOPLE_REPORTS: Final = Path("reports/people")


class PeopleSet(StrEnum):
    """What a set of people is for."""

    TEST = "test"
    """Nothing is chosen by it."""
    DEVELOPMENT = "development"
    """The design may be chosen by it."""

    @property
    def report(self) -> Path:
        """Where its scores are."""
        return PEOPLE_REPORTS / f"{self}.json"

    @property
    def heading(self) -> str:
        """Heading of its scores."""
        return {
            PeopleSet.TEST: "Test set (people)",
            PeopleSet.DEVELOPMENT: "Development set (people; the design was chosen by it)",
        }[self]

    @property
    def command(self) -> str:
        """What a person types to evaluate on it."""
        return f'make evaluate DATA="..." SET={self}'

    @property
    def other(self) -> PeopleSet:
        """The set that must not share files with this one."""
        return PeopleSet.TEST if self is PeopleSet.DEVELOPMENT else PeopleSet.DEVELOPMENT


class EvaluatedFiles(BaseModel, frozen=True):
    """The part of a report that says which files it is of."""

    files: dict[str, str] = {}
    """SHA-256 of each raw file, hex, by source."""
