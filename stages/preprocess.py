"""Stage `preprocess`: raw data sets to landmarks or masks, checked, split by signer and numbered by label."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from stages.data.cleaning import raw_files, read_samples
from stages.data.dropped import dropped_pictures, list_dropped
from stages.data.preparation import prepare
from stages.data.preprocess_report import REPORT
from stages.data.processed import PROCESSED, data_hash, write_processed
from stages.errors import run_door
from stages.evaluation.plots import plot_mistakes
from stages.files import atomic_write, write_text
from stages.params import Preprocess, read_params

DROPPED: Final = Path("reports/dropped.csv")
DROPPED_PICTURES: Final = Path("data/dropped.png")
"""Photographs: neither git nor DVC tracks them, so no push uploads them."""
UNFINISHED: Final = Path("data/unfinished")
"""Hands found in photographs by a run that has not finished."""


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
    report = report.model_copy(update={"data_hash": data_hash(PROCESSED)})
    draw(dropped)
    write_text(DROPPED, list_dropped(dropped))
    write_text(REPORT, report.model_dump_json(indent=2) + "\n")
    shutil.rmtree(UNFINISHED, ignore_errors=True)
    sys.stdout.write(report.summary())


def draw(dropped: list[pd.DataFrame]) -> None:
    """Draw the photographs that were dropped; remove the picture if there are none."""
    pictures, captions, title = dropped_pictures(dropped)
    if not pictures:
        DROPPED_PICTURES.unlink(missing_ok=True)
        return
    with atomic_write(DROPPED_PICTURES) as partial:
        partial.write_bytes(plot_mistakes(np.stack(pictures), captions, title))


if __name__ == "__main__":
    run_door(main)
