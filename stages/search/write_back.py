"""Numbers changed in `params.yaml` where they stand: comments and layout stay as they are."""

from __future__ import annotations

import difflib
import os
import re
from typing import TYPE_CHECKING

import yaml

from stages.errors import PipelineError
from stages.params import PARAMS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from stages.search.space import Values


def write_back(values: Values, path: Path = PARAMS_FILE) -> str:
    """Change numbers in a YAML file, written beside its place and then renamed.

    Args:
        values: the new numbers by dotted name.
        path: the file.

    Returns:
        The changes as a unified diff; empty where the file said so already.

    Raises:
        PipelineError: the file has no number of such a name.
    """
    before = path.read_text(encoding="utf-8")
    after = replaced(before, values, str(path))
    if after != before:
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            partial.write_text(after, encoding="utf-8", newline="\n")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    lines = (before.splitlines(keepends=True), after.splitlines(keepends=True))
    return "".join(difflib.unified_diff(*lines, f"a/{path.name}", f"b/{path.name}", n=0))


def replaced(text: str, values: Values, where: str) -> str:
    """Change numbers in the text of a YAML file; those that are equal already keep the way they are written.

    Raises:
        PipelineError: the text has no number of such a name.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    nodes = {name: _number(root, name, where) for name in values}
    # From the end of the text to its beginning, so that the places of the others stay right.
    for name, node in sorted(nodes.items(), key=lambda item: -item[1].start_mark.index):
        start, end = node.start_mark.index, node.end_mark.index
        if float(yaml.safe_load(node.value)) != values[name]:
            # YAML's own way to write a number: Python's 1e-05 would be read back as text.
            written = yaml.safe_dump(values[name]).splitlines()[0]
            text = text[:start] + written + _comment_in_its_column(text[end:], len(written) - (end - start))
    return text


def _comment_in_its_column(rest: str, longer: int) -> str:
    gap = re.match(" +(?=#)", rest)
    if gap is None:
        return rest
    return " " * max(1, len(gap[0]) - longer) + rest[gap.end() :]


def _number(root: yaml.Node | None, name: str, where: str) -> yaml.ScalarNode:
    node = root
    for key in name.split("."):
        entries = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for entry, value in entries if entry.value == key), None)
    if not isinstance(node, yaml.ScalarNode) or not node.tag.endswith((":int", ":float")):
        raise PipelineError(f"{where}: there is no number '{name}' to write to. Compare it with git's version.")
    return node
