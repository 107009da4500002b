"""The client put together: source, landmarks, service, and a session of what they give."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from client.capture.camera import ANY_CAMERA, open_source
from client.capture.demo import DemoFilm, DemoReader
from client.capture.following import HandFollower
from client.session import Session
from client.stream.connection import THRESHOLD, Connection, PatientConnection
from client.stream.pipeline import Flow, ServiceReader
from client.stream.status import Status
from client.stream.timings import Timings
from client.window.controls import Controls
from client.window.film_writer import FilmWriter
from client.window.window import check_display

if TYPE_CHECKING:
    from pathlib import Path

    from client.capture.camera import Source
    from client.stream.pipeline import Landmarker

SERVER: Final = "http://127.0.0.1:3000"
PATIENCE: Final = 60.0
"""Seconds for which a run without a window tries to reach what it has lost; a window does until it is closed."""


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    source: str = ANY_CAMERA
    server: str | None = None
    """Address of the service; None is the one of this machine, or none in a demonstration."""
    demo: bool = False
    """Whether a synthetic hand spells instead of a person."""
    fast: bool = False
    """Whether a file is read as fast as can be, every frame of it."""
    headless: bool = False
    """Whether a JSON line is written for each frame instead of opening a window."""
    text_only: bool = False
    """Whether nothing but the text is written."""
    record: Path | None = None
    """The annotated film to write."""
    timings: Path | None = None
    """The JSON with the time of every step to write."""
    threshold: float = THRESHOLD
    hold: float | None = None
    hand_model: Path | None = None


def run(options: Options, out: TextIO, terminal: TextIO) -> None:
    """Read a source to its end, or until the user quits.

    Args:
        options: what the command line says.
        out: where lines, or the text, are written.
        terminal: where troubles are told.

    Raises:
        ClientError: anything the user can mend, found as early as it can be.
    """
    windowed = not (options.headless or options.text_only)
    if windowed:
        check_display()
    status, controls = Status(terminal), Controls()
    patience = float("inf") if windowed else PATIENCE
    with ExitStack() as stack:
        source, landmarker = _open_hands(options, status, patience, stack)
        connection = _connect(options, source, status, patience, stack, strict=not windowed)
        reader = DemoReader() if connection is None else ServiceReader(connection)
        film = stack.enter_context(FilmWriter(options.record, source.frame_rate)) if options.record else None
        flow = stack.enter_context(Flow(source, landmarker, reader, controls))
        timings = None
        if options.timings is not None:
            timings = Timings()
            stack.callback(timings.save, options.timings)
        session = Session(flow, connection, controls, status, out, options.threshold, options.headless, film, timings)
        stack.callback(session.end)
        if windowed:
            session.show_window()
        else:
            session.write_lines()


def _open_hands(
    options: Options, status: Status, patience: float, stack: ExitStack
) -> tuple[Source, Landmarker]:  # fmt: skip
    if options.demo:
        film = DemoFilm(live=not options.fast, once=options.fast)
        return film, film
    source = open_source(options.source, fast=options.fast, status=status, patience=patience)
    stack.enter_context(source)
    return source, stack.enter_context(HandFollower(options.hand_model, related=source.related))


def _connect(
    options: Options, source: Source, status: Status, patience: float, stack: ExitStack, *, strict: bool
) -> PatientConnection | None:
    """Reach the service; None where a demonstration has none."""
    if options.demo and options.server is None:
        return None
    server = options.server or SERVER

    def connect() -> Connection:
        return Connection(server, None if source.live else source.frame_rate, options.threshold, options.hold)

    return stack.enter_context(PatientConnection(connect, status, patience, lossless=not source.live, strict=strict))
