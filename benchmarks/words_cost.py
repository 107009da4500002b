"""What `POST /words` costs: its time on one core, and the vocabulary's memory."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Final

import httpx
import numpy as np
import psutil
from pydantic import BaseModel
from tqdm import tqdm

from benchmarks.service import OURS, memory, running
from service.protocol import SeenLetter
from service.vocabulary import Vocabulary
from service.words import read_word

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from service.segments import Segment

REQUESTS: Final = 500
"""Words that are sent, evenly chosen from those spelled."""
MIB: Final = 1 << 20


class Cost(BaseModel, frozen=True, use_attribute_docstrings=True):
    """Times in milliseconds, of requests one after the other to a service that has one core."""

    requests: int
    median_ms: float
    p95_ms: float
    search_p95_ms: float
    """Of the word model alone, in this process."""
    memory_mib: float
    """By which the service grows with the vocabulary."""
    file_mib: float
    """Of the vocabulary."""


def measure_cost(words: Sequence[Sequence[Segment]], model: Path, vocabulary: Path) -> Cost:
    """Send words to a served model."""
    chosen = [words[index] for index in np.linspace(0, len(words) - 1, min(REQUESTS, len(words))).astype(int)]
    known, searches = Vocabulary.read(vocabulary), []
    for word in chosen:
        begun = time.perf_counter()
        read_word(word, known)
        searches.append(time.perf_counter() - begun)
    command = [sys.executable, "-m", "bentoml", "serve", OURS, "--host", "127.0.0.1"]
    settings = {"FINGERSPELL_MODEL": str(model.absolute()), "FINGERSPELL_RATE": "0"}
    with running(command, "/readyz", settings) as (_, process):
        before = memory(process)
    with (
        running(command, "/readyz", settings | {"FINGERSPELL_VOCABULARY": str(vocabulary.absolute())}) as (
            host,
            process,
        ),
        httpx.Client(base_url=f"http://{host}") as client,
    ):
        after = memory(process)
        keep_on_one_core(process.pid)
        times = []
        for word in tqdm(chosen, "POST /words"):
            body = {"segments": [SeenLetter.describe(each).model_dump() for each in word]}
            begun = time.perf_counter()
            client.post("/words", json=body).raise_for_status()
            times.append(time.perf_counter() - begun)
    return Cost(
        requests=len(times),
        median_ms=1000 * float(np.median(times)),
        p95_ms=1000 * float(np.percentile(times, 95)),
        search_p95_ms=1000 * float(np.percentile(searches, 95)),
        memory_mib=(after - before) / MIB,
        file_mib=vocabulary.stat().st_size / MIB,
    )


def keep_on_one_core(pid: int) -> None:
    """Let a process, its descendants and all their threads run on the first core that this one may use."""
    core = {min(os.sched_getaffinity(0))}
    parent = psutil.Process(pid)
    for process in [parent, *parent.children(recursive=True)]:
        for thread in process.threads():
            os.sched_setaffinity(thread.id, core)
