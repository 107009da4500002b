"""Where the registry is: `MLFLOW_TRACKING_URI`, or else `mlflow.db` in the checkout, with its files in `mlartifacts/`.

`dvc exp run --temp` and `--queue` run an experiment in a copy of the checkout, below `.dvc/tmp/exps/`, without the
files that git ignores. A registry of the copy's own would be empty, and an empty registry gets its first champion
without a gate. So a copy uses the registry of the checkout that it was made from.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from stages.errors import StoreError

DEFAULT_STORE: Final = "sqlite:///mlflow.db"
SQLITE: Final = "sqlite:///"
SERVERS: Final = ("http://", "https://")
RECORD: Final = Path("reports/register.json")
TRAIL_RECORD: Final = Path("reports/register_trail.json")
"""The champion record: what a checkout knows of the registry."""
_COPIES: Final = (".dvc", "tmp", "exps")
"""Folder of a checkout in which DVC makes the copies."""


def checkout() -> Path:
    """Absolute path of the checkout whose registry counts: in an experiment's copy, the one that it was made from.

    Raises:
        StoreError: this is such a copy, and its checkout cannot be found.
    """
    here = Path.cwd()
    above = next((path.parents[2] for path in here.parents if path.parts[-3:] == _COPIES), None)
    # The path does not show it if `.dvc/tmp` is a link to another disk, but DVC tells an experiment's stages.
    named = os.environ.get("DVC_ROOT") if "DVC_EXP_NAME" in os.environ else None
    origin = above or (Path(named) if named else here)
    if origin != here and not (origin / ".dvc").is_dir():
        raise StoreError(
            f"{here}: DVC runs an experiment here, but the checkout that this is a copy of, and so its registry, is "
            f"not at {origin}. Run the experiment in the checkout itself (dvc exp run), or name the registry in "
            "MLFLOW_TRACKING_URI."
        )
    return origin.resolve()


def store_uri() -> str:
    """Where runs and versions are kept: `MLFLOW_TRACKING_URI`, else `mlflow.db` in the checkout.

    Raises:
        StoreError: the registry is a file of the checkout, which cannot be found.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE
    if not uri.startswith(SQLITE) or Path(uri.removeprefix(SQLITE)).is_absolute():
        return uri
    origin = checkout()
    return uri if origin == Path.cwd() else f"{SQLITE}{origin / uri.removeprefix(SQLITE)}"


def store_name() -> str:
    """Name the store for people: its URI without a user and password."""
    return re.sub(r"//[^/@]*@", "//", store_uri())


def sqlite_file() -> Path | None:
    """Path of the sqlite file that the store is; None for a server."""
    uri = store_uri()
    return Path(uri.removeprefix(SQLITE)).resolve() if uri.startswith(SQLITE) else None
