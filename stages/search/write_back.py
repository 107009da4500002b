"""Changed numbers written into `params.yaml`: comments and layout stay as they are."""

from __future__ import annotations

import difflib
from io import StringIO
from typing import TYPE_CHECKING

from ruamel.yaml import YAML

from stages.errors import InputError
from stages.files import write_text
from stages.params import PARAMS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from stages.search.space import Values


def write_back(values: Values, path: Path = PARAMS_FILE) -> str:
    """Change numbers in a YAML file, atomically.

    Args:
        values: the new numbers by dotted name.
        path: the file.

    Returns:
        The changes as a unified diff; empty if the file has these numbers already.

    Raises:
        InputError: the file has no number with such a name.
    """
    before = path.read_text(encoding="utf-8")
    after = replaced(before, values, str(path))
    if after != before:
        write_text(path, after)
    lines = (before.splitlines(keepends=True), after.splitlines(keepends=True))
    return "".join(difflib.unified_diff(*lines, f"a/{path.name}", f"b/{path.name}", n=0))


def replaced(text: str, values: Values, where: str) -> str:
    """Change numbers in the text of a YAML file; equal numbers keep their spelling.

    Raises:
        InputError: the text has no number with such a name.
    """
    yaml = YAML()  # round trip: comments, their columns and flow style are kept
    yaml.preserve_quotes, yaml.width = True, 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    document, changes = yaml.load(text), 0
    for name, value in values.items():
        parent, (*keys, last) = document, name.split(".")
        for key in keys:
            parent = parent.get(key) if isinstance(parent, dict) else None
        old = parent.get(last) if isinstance(parent, dict) else None
        if not isinstance(old, int | float) or isinstance(old, bool):
            raise InputError(f"{where}: there is no number '{name}' to write to. Compare it with git's version.")
        if old != value:
            # YAML 1.1 takes Python's 1e-05 for text, and 1.0e-05 for a number.
            spelling = str(value) if "." in str(value) else str(value).replace("e", ".0e")
            parent[last], changes = yaml.load(spelling), changes + 1
    if not changes:
        return text
    stream = StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()
