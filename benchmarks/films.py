"""Films of single letters, one letter each, through the client as a signer uses it: which text comes out.

`make bench-films DATA=folder`, where the folder holds `A.mp4`, `B.mp4` and so on. All films go to one service.
"""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel
from tqdm import tqdm

from benchmarks.service import MODEL, ROOT, serve
from stages.errors import InputError, PipelineError, run_door
from stages.files import content_hash, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

REPORT: Final = Path("reports/bench_films.json")
FILM_SECONDS: Final = 300.0
"""Longest time for one film; a client that takes longer is ended."""


class FilmReport(BaseModel, frozen=True):
    """What `reports/bench_films.json` holds."""

    folder: str
    """Name of the folder of films."""
    model_hash: str
    """SHA-256 of the model that was served, hex."""
    texts: dict[str, str]
    """What the client wrote, by the letter that the film shows."""

    @property
    def exact(self) -> list[str]:
        """Letters whose text is exactly the letter."""
        return [letter for letter in self.texts if self.texts[letter] == letter]


def main() -> None:
    """Print the table and write `reports/bench_films.json`."""
    parser = ArgumentParser(prog="python -m benchmarks.films", description="The client on films of single letters.")
    parser.add_argument("folder", type=Path, help="folder of films named by the letter that they show: A.mp4, ...")
    parser.add_argument("--model", type=Path, default=MODEL, help="the model to serve (default: the Bento's)")
    options = parser.parse_args()
    films = find_films(options.folder)
    if not options.model.is_file():
        raise PipelineError(f"{options.model} is missing. Make it, or name another: make repro")
    with serve(options.model.resolve()) as (host, _):
        texts = {film.stem: film_text(film, f"http://{host}") for film in tqdm(films, unit="film")}
    report = FilmReport(folder=options.folder.resolve().name, model_hash=content_hash(options.model), texts=texts)
    write_text(REPORT, report.model_dump_json(indent=2) + "\n")
    sys.stdout.write(as_text(report))


def find_films(folder: Path) -> list[Path]:
    """List the films of letters in a folder, by letter.

    Raises:
        InputError: there are none.
    """
    films = sorted(folder.glob("[A-Z].mp4"))
    if not films:
        raise InputError(f"{folder}: no film is named by its letter. Name them A.mp4, B.mp4 and so on.")
    return films


def film_text(film: Path, server: str) -> str:
    """Run the client on every frame of a film; returns the text that it writes.

    Raises:
        PipelineError: the client ends with an error, or does not end.
    """
    # A single letter is no word, and the network is what is measured.
    options = ("--text", "--fast", "--no-words")
    command = [sys.executable, "-m", "client", "--source", str(film.resolve()), "--server", server, *options]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=FILM_SECONDS,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise PipelineError(f"{film}: the client did not end within {FILM_SECONDS:g} s. Name a shorter film.") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise PipelineError(f"{film}: the client ended with status {done.returncode} ({reason}). Run it on this film.")
    return done.stdout.strip()


def as_text(report: FilmReport) -> str:
    """Write a report as a table: the letters recognised exactly in one line, then what the others became."""
    exact = report.exact
    lines = [
        f"{report.folder}: {len(exact)} of {len(report.texts)} letters are recognised exactly",
        f"exactly      {' '.join(exact) or '-'}",
        *_texts("not exactly", report, [letter for letter in report.texts if letter not in exact]),
    ]
    return "\n".join(lines) + "\n"


def _texts(title: str, report: FilmReport, letters: Sequence[str]) -> list[str]:
    became = ", ".join(f"{letter} as {report.texts[letter] or 'nothing'}" for letter in letters)
    return [f"{title:12} {became}"] if letters else []


if __name__ == "__main__":
    run_door(main)
