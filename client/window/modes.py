"""What takes over the keys for a while: the panel "Your hand", and the question what the last letter was."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from client.window.correcting import WRONG_KEYS, Corrector
from client.window.hand_panel import HandPanel
from client.window.layout import Overlay
from client.window.profile_screen import draw_hand_panel, draw_question

if TYPE_CHECKING:
    from client.profile.own_hand import OwnHand
    from client.stream.pipeline import Detection, Prediction
    from client.window.controls import Action, Controls
    from client.window.drawing import Picture
    from client.window.layout import Layout
    from client.words.text import Word

NO_SERVICE: Final = "In the demonstration there is nothing to learn"


class Modes:
    """The two modes, of which one may be open."""

    def __init__(self, controls: Controls, own_hand: OwnHand | None) -> None:
        """Start with both closed; in a demonstration there is no `own_hand`, and they stay closed."""
        self._controls, self.own_hand = controls, own_hand
        self.panel = None if own_hand is None else HandPanel(own_hand)
        self._corrector = None if own_hand is None else Corrector(controls, own_hand)
        self._seen: Detection | None = None

    @property
    def is_open(self) -> bool:
        """Whether keys go to a mode, and letters do not join the text."""
        is_asking = self._corrector is not None and self._corrector.is_asking
        return is_asking or (self.panel is not None and self.panel.page != "")

    def see(self, detection: Detection | None) -> None:
        """Handle the newest frame, which may be the same as before."""
        if self.panel is None or detection is None or detection is self._seen:
            return
        self._seen = detection
        points = None if detection.hand is None else detection.hand.landmarks
        self.panel.see(points, detection.frame.time)

    def commit(self, prediction: Prediction) -> Word | None:
        """Add what a frame completes to the text, unless a mode is open; returns the word that it ends, if any."""
        reply, hand, seconds = prediction.reply, prediction.detection.hand, prediction.detection.frame.time
        counts = not self.is_open
        ended = self._controls.spelling.see(reply, seconds, has_hand=hand is not None) if counts else None
        if self._corrector is not None:
            self._corrector.see(None if hand is None else hand.landmarks, reply, counts=counts)
        return ended

    def begin(self, action: Action) -> str:
        """Open a mode, or forget what was learned last; returns what to tell the signer, or ""."""
        if self.panel is None or self._corrector is None:
            return NO_SERVICE
        self._controls.panel = ""
        if action == "hand":
            self.panel.open()
        elif action == "wrong":
            return self._corrector.start()
        elif action == "forget":
            return self._corrector.undo()
        return ""

    def press(self, key: int) -> str:
        """Do what a key does in the mode that is open; returns what to tell the signer, or ""."""
        if self._corrector is not None and self._corrector.is_asking:
            return self._corrector.press(key)
        return "" if self.panel is None else self.panel.press(key)

    @property
    def overlay(self) -> Overlay | None:
        """What is drawn over the picture; None if neither is open."""
        if self.panel is None or self._corrector is None or not self.is_open:
            return None
        if self._corrector.is_asking:
            letter = self._corrector.letter

            def ask(canvas: Picture, layout: Layout) -> None:
                draw_question(canvas, layout, letter)

            return Overlay(WRONG_KEYS, ask)
        return Overlay(self.panel.keys, partial(draw_hand_panel, panel=self.panel))

    @property
    def state(self) -> tuple[str, bool]:
        """Say whose profile the letters are recognised with, or why with none, and whether one is in force."""
        own = self.own_hand
        if own is None or own.profile is None:
            return ("" if own is None else own.trouble), False
        if own.is_making:
            return f"learning the hand of {own.name} ...", False
        return (f"your hand: {own.name}", True) if own.in_force else (own.trouble, False)
