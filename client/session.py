"""One run of the client: predictions become lines, a window with keys, or a film."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TextIO

from client.capture.hints import find_hint
from client.frames import hand_box
from client.stream.demo import THRESHOLD as DEMO_THRESHOLD
from client.stream.timings import Pace
from client.window.controls import KEYS
from client.window.desktop import copy, speak
from client.window.layout import SIZE, find_button
from client.window.screen import View, draw_screen
from client.window.window import Window
from client.window.words_line import find_word_key

if TYPE_CHECKING:
    from client.status import Status
    from client.stream.pipeline import Detection, Pipeline, Prediction
    from client.stream.reply import Reply
    from client.stream.retry import RetryingConnection
    from client.stream.timings import Timings
    from client.window.controls import Action, Controls
    from client.window.drawing import Picture, Points
    from client.window.film_writer import FilmWriter
    from client.window.modes import Modes
    from client.words.text import Word

NO_REPLY: Final = 0.05
"""Seconds after which a frame is shown without its letter."""
REDRAW: Final = 0.1
"""Seconds after which the window is redrawn although no frame has come."""
SLOW: Final = 1.0
"""Seconds without a reply after which the window says so."""
NOTE: Final = 2.0
"""Seconds for which a note is shown."""
IDLE: Final = 30
"""Milliseconds for which a window waits for a key once its film has ended."""
ENDED: Final = "The film has ended. Q: quit"
NOTES: Final[dict[Action, str]] = {
    "cleared": "Cleared. Z: undo",
    "undone": "Undone",
    "nothing to undo": "Nothing to undo",
}
"""What the signer is told after a key that the controls have done with."""
DEMO: Final = "Demonstration: a rendered hand, nothing is sent"
DEMO_CAPTION: Final = "This is all we would send"


@dataclass
class Session:
    """Shows and writes what a pipeline recognises."""

    pipeline: Pipeline
    connection: RetryingConnection | None
    """To the service; None in a demonstration."""
    controls: Controls
    modes: Modes
    status: Status
    out: TextIO
    """Where lines, or the text, are written."""
    lines: bool
    """Whether a JSON line is written for each frame."""
    film: FilmWriter | None
    """Records what the window shows."""
    timings: Timings | None
    """Records the time of every step."""
    quits: bool = False
    """Whether the window closes when the film ends, instead of keeping its last frame."""
    pace: Pace = field(default_factory=Pace)
    note: str = ""
    """Says what a key has just done."""
    note_until: float = 0.0
    words_trouble: str = ""
    """Why there were no candidates a moment ago."""

    def write_lines(self) -> None:
        """Write a JSON line for each frame, unless only the text is wanted."""
        for prediction in self.pipeline.predictions:
            ended = self.modes.commit(prediction)
            if self.lines:
                self._write(json.dumps(describe(prediction, ended)))
            self._frame_done(prediction)

    def show_window(self) -> None:
        """Show predictions in a window until the user quits, or until they end if it `quits` then."""
        shown: Detection | None = None
        reply: Reply | None = None
        drawn_at = 0.0
        with Window(SIZE) as window:
            while not (self.quits and self.pipeline.predictions.ended):
                prediction = self.pipeline.predictions.take(0.01)
                newest, now, picture = self.pipeline.newest, time.perf_counter(), None
                self.modes.see(newest)
                self._update_words()
                if prediction is not None:
                    shown, reply = prediction.detection, prediction.reply
                    self.modes.commit(prediction)
                elif newest is not shown and now - drawn_at > NO_REPLY:
                    shown = newest
                if self._is_outdated() or self.controls.paused:
                    reply = None
                if prediction is not None or now - drawn_at > (NO_REPLY if newest is not shown else REDRAW):
                    picture = draw_screen(self._view(shown, reply), self.controls, window.size, self.modes.overlay)
                    drawn_at = now
                key = window.show(picture, IDLE if self.pipeline.predictions.ended else 1)
                if prediction is not None:
                    self._frame_done(prediction)
                if key is None or self._press(key, window):
                    break

    def end(self) -> None:
        """Write the text so far, however the run ended, and report it if no hand was found."""
        self.controls.spelling.conclude()
        text = str(self.controls.spelling.text).rstrip()
        with suppress(BrokenPipeError):  # nobody reads the output any more, which is why the run ended
            self._write(json.dumps({"text": text}) if self.lines else text)
        self.status.warn(self.pipeline.search.conclude(ended=self.pipeline.predictions.ended))

    def _write(self, line: str) -> None:
        self.out.write(line + "\n")
        self.out.flush()

    def _press(self, key: int, window: Window) -> bool:
        """Do what a key and the clicked buttons ask for; returns whether to quit."""
        size = window.size
        for x, y in [(-1, -1), *window.take_clicks()]:  # the key, then the clicks
            overlay = self.modes.overlay
            pressed = key if x < 0 else self._find_key(x, y, size)
            if pressed is None:
                continue
            if overlay is not None:
                self._tell(self.modes.press(pressed))
                continue
            action = self.controls.press(pressed, time.monotonic())
            if action == "quit":
                return True
            if action:
                self._tell(self._do(action))
        return False

    def _find_key(self, x: int, y: int, size: tuple[int, int]) -> int | None:
        """Find the key of what is at (x, y): a button, a candidate or the word that was replaced."""
        overlay = self.modes.overlay
        key = find_button(x, y, size, KEYS if overlay is None else overlay.keys)
        is_covered = overlay is not None or self.controls.panel
        return find_word_key(x, y, size, self.controls.spelling) if key is None and not is_covered else key

    def _update_words(self) -> None:
        """Take what has come from the service, and say once if nothing does."""
        spelling = self.controls.spelling
        spelling.update()
        if spelling.trouble != self.words_trouble:
            self.words_trouble = spelling.trouble
            self._tell(spelling.trouble)

    def _do(self, action: Action) -> str:
        text = str(self.controls.spelling.text)
        if action in NOTES:
            return NOTES[action]
        if action == "copy":
            return copy(text)
        return speak(text) if action == "speak" else self.modes.begin(action)

    def _tell(self, note: str) -> None:
        if note:
            self.note, self.note_until = note, time.monotonic() + NOTE

    def _frame_done(self, prediction: Prediction) -> None:
        if self.film is not None:
            view = self._view(prediction.detection, prediction.reply)
            picture = draw_screen(view, self.controls, SIZE, self.modes.overlay)
            self.film.add(picture, prediction.detection.frame.time)
        drawn = time.perf_counter()
        if self.timings is not None:
            self.timings.add(prediction, drawn)
        self.pace.add(prediction.detection.frame.captured, drawn)
        self.pipeline.frame_done()

    def _view(self, shown: Detection | None, reply: Reply | None) -> View:
        state, is_ok = self._state(reply)
        outdated = self._is_outdated()
        rgb = None if shown is None else shown.frame.rgb
        points = None if shown is None or shown.hand is None else shown.hand.landmarks
        demo = self.connection is None
        hand, is_own = ("", False) if outdated else self.modes.state
        return View(
            rgb=rgb,
            points=points,
            mask=None if shown is None or outdated else shown.mask,
            trail=None if shown is None or outdated else shown.trail,
            has_trails=self.connection is not None and self.connection.has_trails,
            reply=reply,
            threshold=DEMO_THRESHOLD if self.connection is None else self.connection.threshold,
            hint=self._hint(rgb, points),
            problem=self.status.problem(),
            note=self.note if time.monotonic() < self.note_until else "",
            state=state,
            is_ok=is_ok,
            rate=0.0 if outdated else self.pace.rate,
            latency=self.pace.latency,
            hand=hand,
            is_own=is_own,
            caption=DEMO_CAPTION if demo else View.caption,
        )

    def _hint(self, rgb: Picture | None, points: Points | None) -> str:
        """Say what the signer can do, or what this is that they see."""
        if self.pipeline.predictions.ended:
            return ENDED
        return DEMO if self.connection is None else "" if rgb is None else find_hint(rgb, points)

    def _state(self, reply: Reply | None) -> tuple[str, bool]:
        """Describe the connection to the service, and say whether it is as it should be."""
        if self.pipeline.predictions.ended:
            return "film ended", False
        if self.connection is None:
            return "demonstration", True
        if self.status.is_lost("service"):
            return "no service", False
        if (waited := self._waited()) > SLOW:
            return f"no answer for {waited:.0f} s", False
        return ("connecting", False) if reply is None and not self.pace.rate else ("connected", True)

    def _is_outdated(self) -> bool:
        """Whether the last prediction no longer holds."""
        return bool(self.status.problem()) or self._waited() > SLOW

    def _waited(self) -> float:
        """Give the seconds since the mask was sent whose reply is outstanding."""
        since = None if self.connection is None else self.connection.waiting_since
        return 0.0 if since is None else time.monotonic() - since


def describe(prediction: Prediction, ended: Word | None) -> dict[str, object]:
    """Give the fields of the JSON line of a frame, which may have ended a word."""
    frame, hand, reply = prediction.detection.frame, prediction.detection.hand, prediction.reply
    return {
        "frame": frame.index,
        "time": round(frame.time, 3),
        "hand": None if hand is None else list(hand_box(hand.landmarks, frame.rgb.shape)),
        "letter": reply.letter,
        "confidence": round(reply.confidence, 4),
        "smoothed": reply.smoothed,
        "committed": reply.committed,
        "replaced": [segment.letter for segment in reply.replaced if segment.committed],
        "word": None if ended is None else {"as_read": ended.as_read, "word": ended.shown},
    }
