"""Stage `speed`: the time that each network takes for one mask, and its size, measured in one process.

Usage: python -m stages.speed
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from stages.data.loader import draw_masks
from stages.data.processed import read_processed
from stages.errors import run_door
from stages.evaluation.speed import SpeedReport, measure_speed
from stages.files import write_text
from stages.params import REFERENCE, Evaluate, read_params
from stages.registry.record import ChampionRecord
from stages.registry.results import SPEED_REPORT


def main() -> None:
    """Read the champion, the other networks and one sample to time them with; write `reports/speed.json`."""
    ArgumentParser(prog="python -m stages.speed", description="Time and size of the networks.").parse_args()
    runs, models = read_params(Evaluate).latency_runs, ChampionRecord.read().model_files()
    mask = draw_masks(read_processed().validation.samples[:1])[0]
    report = SpeedReport(
        networks={name: measure_speed(path, mask, runs) for name, path in models.items() if name != REFERENCE}
    )
    write_text(SPEED_REPORT, report.model_dump_json(indent=2) + "\n")
    for name, speed in report.networks.items():
        sys.stdout.write(f"{name}: one mask {speed.latency_ms_median:.1f} ms, {speed.size_mib:.1f} MiB\n")


if __name__ == "__main__":
    run_door(main)
