"""Print every error message of the code, with its next step, as the page docs/messages.md: `make messages`.

The messages are the arguments of the exceptions that people see: a room's root exception and all its subclasses.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ROOT: Final = Path(__file__).resolve().parents[1]
ROOMS: Final = {"client": "Clients", "service": "Service", "stages": "Pipeline"}
ROOTS: Final = frozenset({"ClientError", "PipelineError", "ServiceError"})
REFUSAL: Final = "Refusal"
"""The exception that takes an HTTP status before its message."""
CALLS: Final = frozenset({"getattr", "join", "len", "sorted", "strip", "upper"})
"""What is done with a value, which says less than the value's name."""
HEAD: Final = """# Every message

Each error says what, where and the next step. This page lists all messages of the clients, the service and the
pipeline, by the file that raises them, with values in braces (`make messages` writes it).
[Troubleshooting](troubleshooting.md) has the most common ones, and those of setting up.
"""


def main() -> None:
    """Print the page: a table for each room, a row for each message."""
    sources = {path: path.read_text() for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))}
    errors = find_errors(sources.values())
    tables = []
    for room, title in ROOMS.items():
        rows = [
            f"| `{path.relative_to(ROOT / room).with_suffix('').as_posix()}` | {_escape(text)} |"
            for path, source in sources.items()
            if path.is_relative_to(ROOT / room)
            for text in find_messages(source, errors)
        ]
        tables.append("\n".join([f"## {title}\n", f"| `{room}/` | message |", "| --- | --- |", *rows]))
    sys.stdout.write("\n\n".join([HEAD.rstrip(), *tables]) + "\n")


def find_errors(sources: Iterable[str]) -> frozenset[str]:
    """Find the names of the root exceptions and of all classes below them, in whichever modules those are defined."""
    classes = [node for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]
    errors, known = ROOTS, frozenset[str]()
    while errors != known:
        known = errors
        errors |= {node.name for node in classes if any(_called(base) in known for base in node.bases)}
    return errors


def find_messages(source: str, errors: Collection[str]) -> list[str]:
    """List the messages of a module's errors, in the order of its lines; a refusal's begin with its HTTP status."""
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
        if isinstance(node, ast.Call) and _called(node.func) in errors and node.args:
            is_refusal = _called(node.func) == REFUSAL
            text = _shown(node.args[1 if is_refusal else 0], constants)
            if " " in re.sub(r"{[^}]*}", "", text).strip():  # a message of another error, passed on, has only braces
                found.append((node.lineno, f"{_shown(node.args[0], constants)}: {text}" if is_refusal else text))
    return [text for _, text in sorted(found)]


def _called(node: ast.expr) -> str:
    """Return the last part of a dotted name, or "" if the expression is not a name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _shown(node: ast.expr, constants: dict[str, str]) -> str:
    """Return a text as people see it, with {name} for each value that is known only at run time."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_shown(value, constants) for value in node.values)
    if isinstance(node, ast.FormattedValue):
        return _shown(node.value, constants)
    if isinstance(node, ast.Name) and node.id in constants:
        return constants[node.id]
    names = [getattr(part, "attr", "") or getattr(part, "id", "") for part in ast.walk(node)]
    return "{" + next(name.strip("_").lower() for name in names if name and name not in CALLS) + "}"


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
