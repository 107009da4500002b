"""How the pipeline copes with faults: a table in `docs/faults.md`, and `reports/faults.json`.

`make faults` runs it in a scratch clone of the last commit with tiny parameters; this checkout stays as it is. Exit
status: 0 if nothing is lost or wrong, else 1. The report and the page are written if all cases were run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from faults.cases import CASES, WRONG, Case, Row, run_case, start, stopping
from faults.checkout import ROOT, make_checkout
from faults.processes import message_of
from stages.errors import InputError, PipelineError, run_door
from stages.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REPORT: Final = ROOT / "reports" / "faults.json"
PAGE: Final = ROOT / "docs" / "faults.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->"
LONGEST: Final = 110
"""Characters of a message in the table."""


def main() -> None:
    """Run the cases named, or all, print their table and write the report."""
    arguments = _parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or the processes started here would go on
    cases = [case for case in CASES if not arguments.cases or case.name in arguments.cases]
    with _scratch(keep=arguments.keep) as work:
        rows = run_cases(cases, work)
    sys.stdout.write(table(rows))
    if not arguments.cases:
        write_text(REPORT, json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False) + "\n")
        write_text(PAGE, with_table(PAGE.read_text(encoding="utf-8"), table(rows)))
    if any(row.verdict == WRONG for row in rows):
        sys.exit(1)


def run_cases(cases: Sequence[Case], work: Path) -> list[Row]:
    """Run the pipeline undisturbed in a scratch clone, then each case from there.

    Raises:
        PipelineError: the undisturbed run failed.
    """
    checkout = make_checkout(work)
    undisturbed = start(checkout)
    with stopping(undisturbed):
        if undisturbed.wait():
            raise PipelineError(
                f"The undisturbed run failed ({message_of(undisturbed.output)}). See run.log: make faults ARGS=--keep"
            )
    sys.stdout.write(f"undisturbed: {undisturbed.seconds:.0f} s\n")
    checkout.keep()
    expected = checkout.results()
    rows = []
    for case in cases:
        row = run_case(case, checkout, expected)
        sys.stdout.write(f"{row.case}: {row.verdict}{f' ({row.why})' if row.why else ''}\n  {row.seen}\n")
        rows.append(row)
    return rows


def table(rows: Sequence[Row]) -> str:
    """Lay the rows out as a table of Markdown."""
    lines = [
        "| fault | message to the user | exit | next make repro | verdict |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        seen = row.seen.replace("|", "\\|")
        seen = seen if len(seen) <= LONGEST else seen[:LONGEST] + " ..."
        same = "the same results" if row.same else "other results"
        after = "" if row.verdict == "skipped" else f"{row.again}, {same}"
        verdict = row.verdict if not row.why else f"{row.verdict}: {row.why}"
        lines.append(f"| {row.done} | {seen} | {row.status} | {after} | {verdict} |")
    return "\n".join(lines) + "\n"


def with_table(page: str, lines: str) -> str:
    """Replace the table between the two markers of a page."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{lines}{END}{after}"


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"all, or some of: {', '.join(names)}")
    parser.add_argument("--keep", action="store_true", help="keep the scratch clone and say where it is")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(names):
        raise InputError(f"There is no case '{min(unknown)}'. Choose from: {', '.join(names)}.")
    return arguments


@contextmanager
def _scratch(*, keep: bool) -> Iterator[Path]:
    work = Path(tempfile.mkdtemp(prefix="faults-"))
    try:
        yield work
    finally:
        if keep:
            sys.stdout.write(f"kept: {work}\n")
        else:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    run_door(main)
