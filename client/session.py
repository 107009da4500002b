"""One run of the client: its readings become lines, or a window with keys, or a film."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TextIO

from client.capture.hints import find_hint
from client.stream.timings import Pace
from client.window.desktop import copy, speak
from client.window.drawing import hand_box
from client.window.screen import SIZE, View, draw_screen, find_button
from client.window.window import Window

if TYPE_CHECKING:
    from client.stream.connection import PatientConnection, Reply
    from client.stream.pipeline import Flow, Reading, Seen
    from client.stream.status import Status
    from client.stream.timings import Timings
    from client.window.controls import Controls
    from client.window.film_writer import FilmWriter

NO_ANSWER: Final = 0.05
"""Seconds after which a frame is shown without its letter."""
REDRAW: Final = 0.1
"""Seconds after which the window is drawn anew though no frame has come."""
SLOW: Final = 1.0
"""Seconds without an answer after which the window says so."""
NOTE: Final = 2.0
"""Seconds for which a note is shown."""
DEMO: Final = "Demonstration: a drawn hand, nothing is sent"
DEMO_CAPTION: Final = "all that would be sent"


@dataclass
class Session:
    """What comes out of a flow of readings."""

    flow: Flow
    connection: PatientConnection | None
    """To the service; None in a demonstration."""
    controls: Controls
    status: Status
    out: TextIO
    """Where lines, or the text, are written."""
    threshold: float
    """Least confidence of a letter that counts."""
    lines: bool
    """Whether a JSON line is written for each reading."""
    film: FilmWriter | None
    """Takes what the window shows."""
    timings: Timings | None
    """Takes the time of every step."""
    pace: Pace = field(default_factory=Pace)
    note: str = ""
    note_until: float = 0.0

    def write_lines(self) -> None:
        """Write a JSON line for each reading, unless only the text is wanted."""
        for reading in self.flow.readings:
            self.controls.commit(reading.reply.committed)
            if self.lines:
                _write_json(self.out, describe(reading))
            self._record(reading)
            self._landed(reading)

    def show_window(self) -> None:
        """Show readings in a window until they end or the user quits."""
        seen: Seen | None = None
        reply: Reply | None = None
        drawn_at = 0.0
        with Window(SIZE) as window:
            while not self.flow.readings.ended:
                reading = self.flow.readings.take(0.01)
                newest, now, picture = self.flow.newest, time.perf_counter(), None
                if reading is not None:
                    seen, reply = reading.seen, reading.reply
                    self.controls.commit(reply.committed)
                elif newest is not seen and now - drawn_at > NO_ANSWER:
                    seen = newest
                if self._is_away() or self.controls.paused:
                    reply = None
                if reading is not None or now - drawn_at > (NO_ANSWER if newest is not seen else REDRAW):
                    picture = draw_screen(self._view(seen, reply), self.controls, window.size)
                    drawn_at = now
                key = window.show(picture, 1)
                if reading is not None:
                    self._record(reading)
                    self._landed(reading)
                if key is None or self._press([key], window):
                    break

    def end(self) -> None:
        """Write what there is of text, however the run ended."""
        with suppress(BrokenPipeError):  # whoever reads has gone, and the run has ended of it
            if self.lines:
                _write_json(self.out, {"text": self.controls.text})
            else:
                self.out.write(self.controls.text + "\n")
                self.out.flush()

    def _press(self, keys: list[int], window: Window) -> bool:
        """Do what keys and clicked buttons say; returns whether to quit."""
        size = window.size
        for key in keys + [find_button(x, y, size) or -1 for x, y in window.take_clicks()]:
            action = self.controls.press(key)
            if action == "quit":
                return True
            if action:
                self.note = copy(self.controls.text) if action == "copy" else speak(self.controls.text)
                self.note_until = time.monotonic() + NOTE
        return False

    def _landed(self, reading: Reading) -> None:
        drawn = time.perf_counter()
        if self.timings is not None:
            self.timings.add(reading, drawn)
        self.pace.add(reading.seen.frame.captured, drawn)
        self.flow.landed()

    def _record(self, reading: Reading) -> None:
        if self.film is not None:
            picture = draw_screen(self._view(reading.seen, reading.reply), self.controls, SIZE)
            self.film.add(picture, reading.seen.frame.time)

    def _view(self, seen: Seen | None, reply: Reply | None) -> View:
        state, well = self._state(reply)
        away = self._is_away()
        rgb = None if seen is None else seen.frame.rgb
        points = None if seen is None or seen.hand is None else seen.hand.landmarks
        demo = self.connection is None
        return View(
            rgb=rgb,
            points=points,
            mask=None if seen is None or away else seen.mask,
            reply=reply,
            threshold=self.threshold,
            hint=DEMO if demo else "" if rgb is None else find_hint(rgb, points),
            trouble=self.status.trouble(),
            note=self.note if time.monotonic() < self.note_until else "",
            state=state,
            well=well,
            rate=0.0 if away else self.pace.rate,
            latency=self.pace.latency,
            caption=DEMO_CAPTION if demo else View.caption,
        )

    def _state(self, reply: Reply | None) -> tuple[str, bool]:
        """Say how it stands with the service, and whether that is well."""
        if self.connection is None:
            return "demonstration", True
        if self.status.is_lost("service"):
            return "no service", False
        if (waited := self._waited()) > SLOW:
            return f"no answer for {waited:.0f} s", False
        return ("connecting", False) if reply is None and not self.pace.rate else ("connected", True)

    def _is_away(self) -> bool:
        """Whether what was read last does not hold any more."""
        return bool(self.status.trouble()) or self._waited() > SLOW

    def _waited(self) -> float:
        """Give the seconds for which an answer has been waited for."""
        since = None if self.connection is None else self.connection.waiting_since
        return 0.0 if since is None else time.monotonic() - since


def describe(reading: Reading) -> dict[str, object]:
    """Say in plain values what a headless run tells of a frame."""
    frame, hand, reply = reading.seen.frame, reading.seen.hand, reading.reply
    return {
        "frame": frame.index,
        "time": round(frame.time, 3),
        "hand": None if hand is None else list(hand_box(hand.landmarks, frame.rgb.shape)),
        "letter": reply.letter,
        "confidence": round(reply.confidence, 4),
        "smoothed": reply.smoothed,
        "committed": reply.committed,
    }


def _write_json(out: TextIO, fields: dict[str, object]) -> None:
    out.write(json.dumps(fields) + "\n")
    out.flush()
