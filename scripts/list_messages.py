"""Prints every error message of the code, with its next step, as the page docs/messages.md: `make messages`.

They are what the errors that are shown to people are made with.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
ROOMS: Final = {"client": "Clients", "service": "Service", "stages": "Pipeline"}
ERRORS: Final = {"ClientError", "PipelineError", "RecogniserError", "Refusal", "ServiceError"}
CALLS: Final = {"getattr", "join", "len", "sorted", "strip", "upper"}
"""What is done with a value says less than its name."""
HEAD: Final = """# Every message

Each error says what, where and the next step. These are all of the clients', the service's and the pipeline's, by the
file that makes them; what is filled in stands in braces (`make messages` writes this page). What people meet most, and
what is said while setting up, is in [Troubleshooting](troubleshooting.md).
"""


def main() -> None:
    """Print the page: a table for each room, a row for each message."""
    tables = []
    for room, title in ROOMS.items():
        rows = [
            f"| `{path.relative_to(ROOT / room).with_suffix('').as_posix()}` | {_escape(text)} |"
            for path in sorted((ROOT / room).rglob("*.py"))
            for text in find_messages(path.read_text())
        ]
        tables.append("\n".join([f"## {title}\n", f"| `{room}/` | message |", "| --- | --- |", *rows]))
    sys.stdout.write("\n\n".join([HEAD.rstrip(), *tables]) + "\n")


def find_messages(source: str) -> list[str]:
    """Give the messages of a module, in the order of its lines; a refusal's begin with its HTTP status."""
    tree = ast.parse(source)
    constants = {
        node.target.id: str(node.value.value)
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS and node.args:
            is_refusal = node.func.id == "Refusal"
            text = _read(node.args[1 if is_refusal else 0], constants)
            if " " in re.sub(r"{[^}]*}", "", text).strip():  # else it is only passed on
                found.append((node.lineno, f"{_read(node.args[0], constants)}: {text}" if is_refusal else text))
    return [text for _, text in sorted(found)]


def _read(node: ast.expr, constants: dict[str, str]) -> str:
    """Give a text as it is shown; what is known only while it runs stands as {name}."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_read(value, constants) for value in node.values)
    if isinstance(node, ast.FormattedValue):
        return _read(node.value, constants)
    if isinstance(node, ast.Name) and node.id in constants:
        return constants[node.id]
    names = [getattr(part, "attr", "") or getattr(part, "id", "") for part in ast.walk(node)]
    return "{" + next(name.strip("_").lower() for name in names if name and name not in CALLS) + "}"


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
