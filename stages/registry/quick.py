"""Which content is the champion, in the registry and on record, read in a fraction of a second: MLflow takes several.

MLflow's own tables are read if the registry is a sqlite file; for any other, MLflow is asked.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from stages.errors import StoreError
from stages.registry.location import RECORD, sqlite_file, store_name

if TYPE_CHECKING:
    from pathlib import Path

QUERY: Final = """\
SELECT tag.version, tag.key, tag.value
FROM registered_model_aliases AS alias JOIN model_version_tags AS tag
ON tag.name = alias.name AND tag.version = alias.version
WHERE alias.name = ? AND alias.alias = 'champion' AND tag.key IN ('architecture', 'model_hash')
"""
BUSY_SECONDS: Final = 30.0
"""Longest wait for a process that is writing."""


@dataclass(frozen=True)
class ChampionContent:
    """The champion, as far as it is read here."""

    architecture: str
    version: int
    model_hash: str

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.architecture} version {self.version} (model {self.model_hash[:12]})"


class _Recorded(BaseModel):
    """What is read here of the champion record."""

    model_hash: str


def read_recorded_hash(record: Path = RECORD) -> str | None:
    """Read the hash of the champion on record; None if there is no record that can be read."""
    try:
        return _Recorded.model_validate_json(record.read_bytes()).model_hash
    except (OSError, ValidationError):
        return None


def read_champion_content(model_name: str) -> ChampionContent | None:
    """Find the champion; None if there is no registry, or no champion in it.

    Raises:
        StoreError: the registry cannot be read.
    """
    file = sqlite_file()
    if file is None:
        from stages.registry.champion import read_champion  # noqa: PLC0415 - it imports MLflow

        version = read_champion(model_name)
        return ChampionContent(version.architecture, version.number, version.model_hash) if version else None
    if not file.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as database:
            rows = database.execute(QUERY, (model_name,)).fetchall()
    except sqlite3.Error as error:
        if "no such table" in str(error):
            return None  # an empty file, which MLflow fills when it is first used
        raise StoreError(
            f"MLflow at {store_name()}: {error}. Wait if another process is using it, or restore a copy of the file, "
            "and run again."
        ) from None
    tags = {key: value for _, key, value in rows}
    return ChampionContent(tags["architecture"], int(rows[0][0]), tags["model_hash"]) if len(tags) == 2 else None
