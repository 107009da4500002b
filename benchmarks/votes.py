"""Two votes of a window's frames, majority and mean, and how their letters are compared with the truth."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from service.smoothing import Smoothing, SmoothingParameters, accept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.streams import Stream

ROUNDING: Final = 1e-6
"""Seconds that may be missing from a hold or a release, as in the service."""
SLACK: Final = 0.4
"""Seconds after the end of a letter in which it may still be committed."""


@dataclass(frozen=True)
class Spelling:
    """The letters that a setting gives for a stream."""

    smoothed: list[str | None]
    """The letter after each frame."""
    commits: list[tuple[str, float]]
    """Letters and the seconds at which they were committed."""


@dataclass(frozen=True)
class Score:
    """How well one setting spells one stream."""

    edits: int
    """Letters to insert, delete and exchange to turn the committed text into the truth."""
    false_commits: int
    """Letters committed that were not shown then, or had been committed already."""
    flickers: int
    """Appearances of a smoothed letter, beyond the letters shown."""
    delays: tuple[float | None, ...]
    """Seconds from the begin of each letter shown to its commit; None if it was not committed."""


def by_majority(stream: Stream, parameters: SmoothingParameters) -> Spelling:
    """Smooth a stream as the service does."""
    smoothing, smoothed, commits = Smoothing(parameters), [], []
    for letter, confidence, time in stream.predictions:
        shown = smoothing.update(letter, confidence, time)
        smoothed.append(shown.smoothed)
        if shown.committed:
            commits.append((shown.committed, time))
    return Spelling(smoothed, commits)


def means(stream: Stream, window: int, release: float) -> list[tuple[str | None, float]]:
    """Take the mean of the probabilities in the window after each frame.

    Returns:
        The likeliest label and its mean probability; frames without a hand count as zeros until the release has passed.
    """
    nowhere, rows, gone_since, found = np.zeros(len(stream.classes)), deque(maxlen=window), None, []
    for (label, _, time), probabilities in zip(stream.predictions, stream.probabilities, strict=True):
        gone_since = (time if gone_since is None else gone_since) if label is None else None
        if gone_since is not None and time - gone_since >= release - ROUNDING:
            rows.clear()
            found.append((None, 0.0))
        else:
            rows.append(nowhere if label is None else probabilities)
            mean = np.mean(rows, axis=0)
            best = int(mean.argmax())
            found.append((stream.classes[best], float(mean[best])))
    return found


def by_mean(stream: Stream, votes: list[tuple[str | None, float]], parameters: SmoothingParameters) -> Spelling:
    """Smooth a stream by the mean of the window's probabilities; hold and release are those of the service."""
    smoothed: list[str | None] = []
    commits, current, since, committed, unseen_since = [], None, 0.0, None, None
    for (own, _, time), (label, mean) in zip(stream.predictions, votes, strict=True):
        letter = accept(label, mean, parameters.threshold)
        if letter != current:
            current, since = letter, time
        unseen_since = (time if unseen_since is None else unseen_since) if own != committed else None
        if letter != committed and unseen_since is not None and time - unseen_since >= parameters.release - ROUNDING:
            committed = None
        if letter not in (None, committed) and letter == own and time - since >= parameters.hold - ROUNDING:
            committed, unseen_since = letter, None
            commits.append((own, time))
        smoothed.append(letter)
    return Spelling(smoothed, commits)


def only_after(stream: Stream, spelling: Spelling, labels: tuple[str | None, ...], release: float) -> Spelling:
    """Drop letters committed again, unless the release before was filled with frames of these labels only."""
    releases, begin = [], None
    for label, _, time in stream.predictions:
        begin = (time if begin is None else begin) if label in labels else None
        if begin is not None and time - begin >= release - ROUNDING:
            releases.append(time)
    kept: list[tuple[str, float]] = []
    last = float("-inf")
    for letter, time in spelling.commits:
        if not kept or letter != kept[-1][0] or any(last < released < time for released in releases):
            kept.append((letter, time))
            last = time
    return Spelling(spelling.smoothed, kept)


def score(stream: Stream, spelling: Spelling) -> Score:
    """Compare a spelling with the truth."""
    delays: list[float | None] = [None] * len(stream.letters)
    false_commits = 0
    for letter, time in spelling.commits:
        for index, shown in enumerate(stream.letters):
            if shown.letter == letter and shown.begin <= time <= shown.end + SLACK and delays[index] is None:
                delays[index] = time - shown.begin
                break
        else:
            false_commits += 1
    appearances = sum(
        after is not None and after != before for before, after in itertools.pairwise([None, *spelling.smoothed])
    )
    return Score(
        edits=edit_distance([letter for letter, _ in spelling.commits], [shown.letter for shown in stream.letters]),
        false_commits=false_commits,
        flickers=max(0, appearances - len(stream.letters)),
        delays=tuple(delays),
    )


def edit_distance(text: Sequence[str], truth: Sequence[str]) -> int:
    """Count the letters to insert, delete and exchange between two texts (Levenshtein)."""
    row = list(range(len(truth) + 1))
    for index, letter in enumerate(text, start=1):
        above, row[0] = row[0], index
        for column, wanted in enumerate(truth, start=1):
            above, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, above + (letter != wanted))
    return row[-1]


def summarise(streams: Sequence[Stream], scores: Sequence[Score]) -> dict[str, float]:
    """Summarise streams: errors a letter, false commits a minute, flickers a second, delays in seconds."""
    letters, seconds = sum(len(stream.letters) for stream in streams), sum(stream.seconds for stream in streams)
    delays = [delay for one in scores for delay in one.delays if delay is not None]
    median, p95 = np.percentile(delays, (50, 95)) if delays else (np.inf, np.inf)
    return {
        "error": sum(one.edits for one in scores) / letters,
        "false_commits": 60.0 * sum(one.false_commits for one in scores) / seconds,
        "flickers": sum(one.flickers for one in scores) / seconds,
        "median": float(median),
        "p95": float(p95),
    }


def doubles(streams: Sequence[Stream], scores: Sequence[Score]) -> tuple[int, int]:
    """Count the pairs of equal letters of which both were committed, and all of them."""
    pairs = [
        (one.delays[index], one.delays[index + 1])
        for stream, one in zip(streams, scores, strict=True)
        for index, (before, after) in enumerate(itertools.pairwise(stream.letters))
        if before.letter == after.letter
    ]
    return sum(None not in pair for pair in pairs), len(pairs)
