"""The client assembled: a source, landmarks, a recogniser, and a session that shows what they find."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TextIO

from client.capture.camera import ANY_CAMERA, Camera, Film, open_source
from client.capture.demo import open_demo
from client.capture.following import follow_hand
from client.errors import ClientError
from client.profile.enrol import begin_profile
from client.profile.enrol import run as enrol_headless
from client.profile.own_hand import OwnHand
from client.profile.people import find_profile, last_used, list_people
from client.session import Session
from client.status import Status
from client.stream.connection import Connection
from client.stream.demo import DemoRecogniser
from client.stream.http_request import TOKEN_VARIABLE
from client.stream.pipeline import Pipeline
from client.stream.profile_request import make_correction
from client.stream.retry import RetryingConnection
from client.stream.timings import Timings
from client.stream.words_request import find_words
from client.window.controls import Controls
from client.window.film_writer import FilmWriter
from client.window.modes import Modes
from client.window.window import check_display
from client.words.completion import Completion
from client.words.own_words import MOST as MOST_OWN_WORDS
from client.words.own_words import read_own_words, unique, words_in_names
from client.words.spelling import Spelling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from client.frames import Frame
    from client.landmarks import Hand
    from client.stream.pipeline import Recognise

SERVER: Final = "http://127.0.0.1:3000"
PATIENCE: Final = 60.0
"""Seconds for which a run without a window tries to reach what it has lost; with a window, it tries until it closes."""


@dataclass(frozen=True)
class Options:
    """The command line's options."""

    source: str = ANY_CAMERA
    server: str | None = None
    """Address of the service; None: the one on this machine, or none for a demonstration."""
    demo: bool = False
    """Whether the film of a rendered hand takes the place of a camera."""
    fast: bool = False
    """Whether a file is read as fast as possible, every frame of it."""
    quit: bool = False
    """Whether the window closes when the film ends."""
    headless: bool = False
    """Whether a JSON line is written for each frame instead of opening a window."""
    text_only: bool = False
    """Whether nothing but the text is written."""
    record: Path | None = None
    """The annotated film to write."""
    timings: Path | None = None
    """The JSON file to write with the time of every step."""
    threshold: float | None = None
    """Lowest confidence at which a letter counts; None: the service's default. `hold` is the same in seconds."""
    hold: float | None = None
    hand_model: Path | None = None
    profile: str | None = None
    """A file, or a name in the folder of profiles: the signer's own hand. None: in a window, the last one used."""
    no_profile: bool = False
    """Whether to start without a profile."""
    enrol: Path | None = None
    """The profile to write: the window opens with the enrolment of `signer`."""
    signer: str = ""
    words: bool = True
    """Whether letters become words."""
    own_words: Path | None = None
    """A text file with the signer's own words."""


def run(options: Options, out: TextIO, terminal: TextIO) -> None:
    """Recognise what is spelled in a source until it ends or the user quits.

    Args:
        options: the command line's.
        out: where lines, or the text, are written.
        terminal: where problems are reported.

    Raises:
        ClientError: any error the user can fix, as early as it can be found.
    """
    windowed = not (options.headless or options.text_only)
    if options.enrol is not None:
        begin_profile(options.enrol, options.signer)  # an error is found before anything opens
    if windowed:
        check_display()
    status, own_words = Status(terminal), _find_own_words(options, windowed=windowed)
    patience = float("inf") if windowed else PATIENCE
    with ExitStack() as stack:
        source, find = _open_source(options, status, patience, stack)
        connection, own_hand, completion = None, None, None
        recognise: Recognise = DemoRecogniser().recognise
        if options.server or not options.demo:
            server, token = options.server or SERVER, os.environ.get(TOKEN_VARIABLE, "").strip()
            own_hand = OwnHand(partial(make_correction, server, token), status, background=windowed)
            _open_profile(own_hand, options, status, windowed=windowed)
            completion = Completion(partial(find_words, server, token, own_words), status, background=windowed)
            connect = partial(
                Connection, server, options.threshold, options.hold, token, timed=not source.live, link=own_hand.link
            )
            connection = RetryingConnection(
                connect,
                status,
                patience,
                lossless=not source.live,
                strict=not windowed,
                opened=partial(_open_stream, own_hand, completion),
            )
            stack.callback(connection.close)
            recognise = connection.recognise
        controls = Controls(Spelling(completion=completion, is_on=options.words))
        film = stack.enter_context(FilmWriter(options.record, source.frame_rate)) if options.record else None
        pipeline = stack.enter_context(Pipeline(source, find, recognise, lambda: controls.paused, live=source.live))
        timings = None
        if options.timings is not None:
            timings = Timings()
            stack.callback(timings.save, options.timings)
        modes = Modes(controls, own_hand)
        if modes.panel is not None and options.enrol is not None:
            modes.panel.enrol_somebody(begin_profile(options.enrol, options.signer), options.enrol)
        session = Session(
            pipeline, connection, controls, modes, status, out, options.headless, film, timings, quits=options.quit
        )
        stack.callback(session.end)
        if windowed:
            session.show_window()
        else:
            session.write_lines()


def enrol(
    path: Path,
    signer: str,
    *,
    source: str,
    server: str | None,
    fast: bool,
    headless: bool,
    labels: Path | None,
    hand_model: Path | None,
    out: TextIO,
    terminal: TextIO,
) -> None:
    """Make the profile of a signer's hand: in a window, on the terminal, or from a labelled film.

    Raises:
        ClientError: any error the user can fix.
    """
    if labels is not None and not headless:
        raise ClientError("--labels needs --headless. Leave it out to be asked for letters in a window.")
    if not headless:
        options = Options(source, server, fast=fast, hand_model=hand_model, enrol=path, signer=signer)
        run(options, out, terminal)
        return
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    make = partial(make_correction, server or SERVER, token)
    enrol_headless(
        path, signer, source=source, labels=labels, hand_model=hand_model, make=make, out=out, terminal=terminal
    )


def _open_profile(own_hand: OwnHand, options: Options, status: Status, *, windowed: bool) -> None:
    """Use the profile that is named, or in a window the last one; that one may be damaged."""
    if options.profile is not None:
        own_hand.open(find_profile(options.profile))
    elif windowed and not (options.no_profile or options.enrol) and (path := last_used()) is not None:
        try:
            own_hand.open(path)
        except ClientError as error:
            status.warn(str(error))


def _open_stream(own_hand: OwnHand, completion: Completion) -> None:
    """Tell those who talk to the service that it may be another one."""
    completion.stream_opened()
    own_hand.stream_opened()


def _find_own_words(options: Options, *, windowed: bool) -> tuple[str, ...]:
    """Read the signer's own words; in a window, the names of the people of this computer are among them."""
    listed = () if options.own_words is None else read_own_words(options.own_words)
    names = words_in_names(person.name for person in list_people()) if windowed else ()
    return unique((*listed, *names))[:MOST_OWN_WORDS]


def _open_source(
    options: Options, status: Status, patience: float, stack: ExitStack
) -> tuple[Film | Camera, Callable[[Frame], Hand | None]]:
    """Open the source, and what finds the hand in its frames."""
    source: Film | Camera
    if options.demo:
        source = open_demo(fast=options.fast)
    else:
        source = open_source(options.source, fast=options.fast, status=status, patience=patience)
    stack.callback(source.close)
    return source, stack.enter_context(follow_hand(options.hand_model, related=source.related))
