"""Stage `preprocess`: raw data sets to landmarks or masks, checked, divided by signer and numbered by label."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Final

from stages.data.cleaning import raw_files, read_samples
from stages.data.dropped import DroppedRows, dropped_pictures, list_dropped
from stages.data.preparation import prepare, summarise
from stages.data.processed import PROCESSED, write_processed
from stages.errors import run_door
from stages.evaluation.plots import plot_mistakes
from stages.files import atomic_write, write_text
from stages.params import Preprocess, read_params

REPORT: Final = Path("reports/preprocess.json")
DROPPED: Final = Path("reports/dropped.csv")
DROPPED_PICTURES: Final = Path("data/dropped.png")
"""Photographs: neither git nor DVC keeps them, so that no push carries them anywhere."""
UNFINISHED: Final = Path("data/unfinished")
"""Hands found in photographs by a run that has not ended."""


def main() -> None:
    """Read `preprocess.raw`, write `data/processed/` and two reports, print what became of the rows."""
    params = read_params(Preprocess)
    files = [
        read_samples(path, max_samples=params.max_samples, max_gib=params.max_gib, unfinished=UNFINISHED)
        for path in raw_files(Path(params.raw))
    ]
    processed, report = prepare(files, validation=params.validation, seed=params.seed, where=params.raw)
    dropped = [samples.dropped for samples in files]
    write_processed(PROCESSED, processed)
    _draw(dropped)
    write_text(DROPPED, list_dropped(dropped))
    write_text(REPORT, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    shutil.rmtree(UNFINISHED, ignore_errors=True)
    sys.stdout.write(summarise(report))


def _draw(dropped: list[DroppedRows]) -> None:
    """Draw the photographs that were dropped; remove the picture if there are none."""
    shown = dropped_pictures(dropped)
    if not len(shown.pictures):
        DROPPED_PICTURES.unlink(missing_ok=True)
        return
    with atomic_write(DROPPED_PICTURES) as partial:
        partial.write_bytes(plot_mistakes(shown.pictures, shown.captions, shown.title))


if __name__ == "__main__":
    run_door(main)
