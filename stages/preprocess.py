"""Stage `preprocess`: raw data sets to landmarks or masks, checked, divided by signer and numbered by label."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from stages.data.archive import write_text
from stages.data.cleaning import raw_files, read_samples
from stages.data.preparation import prepare, summarise
from stages.data.processed import PROCESSED, write_processed
from stages.errors import run_door
from stages.params import Preprocess, read_params

REPORT: Final = Path("reports/preprocess.json")


def main() -> None:
    """Read `preprocess.raw`, write `data/processed/` and `reports/preprocess.json`, print what became of the rows."""
    params = read_params(Preprocess)
    raw = Path(params.raw)
    files = [read_samples(path, max_samples=params.max_samples, max_gib=params.max_gib) for path in raw_files(raw)]
    processed, report = prepare(files, validation=params.validation, seed=params.seed, where=params.raw)
    write_processed(PROCESSED, processed)
    write_text(REPORT, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.write(summarise(report))


if __name__ == "__main__":
    run_door(main)
