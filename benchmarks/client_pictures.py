"""Pictures of the client's main states for its documentation, drawn by the code that draws the window.

Usage: python -m benchmarks.client_pictures

The moving one shows real replies of the service: a rendered hand spells, and the packaged champion recognises it.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from PIL import Image

from benchmarks.service import MODEL, serve
from client.capture.camera import open_source
from client.capture.demo import FILM
from client.capture.following import follow_hand
from client.capture.hints import find_hint
from client.landmarks import HandLandmarker
from client.mask import render_mask
from client.status import Status
from client.stream.connection import Connection
from client.stream.pipeline import find_hands, recognise_letters
from client.stream.reply import Reply
from client.stream.timings import Pace
from client.stream.words_request import Candidates
from client.window.controls import Controls
from client.window.recording_screen import draw_recording
from client.window.screen import View, draw_screen
from client.words.completion import Completion
from client.words.spelling import Spelling
from client.words.text import read_text
from stages.errors import PipelineError, run_door
from stages.files import atomic_write

if TYPE_CHECKING:
    from client.window.drawing import Picture

FOLDER: Final = Path("docs/client")
MOMENT: Final = 95
"""Frame of the film in which L is held; in the first one, nobody is in the picture."""
EDGE: Final = -240
"""Pixels by which the hand is out of the picture in which it should be moved into it."""
RATE: Final = 30.0
EVERY, SMALL, QUALITY = 3, (640, 360), 60
"""Of the moving picture: the interval between the frames that it shows, its size and WebP's quality."""
AWAY: Final = "No service at http://127.0.0.1:3000. Start it with `make serve`, or name another with --server."


def main() -> None:
    """Draw every state into `docs/client/`."""
    argparse.ArgumentParser(prog="python -m benchmarks.client_pictures", description=main.__doc__).parse_args()
    if not MODEL.is_file():
        raise PipelineError(f"{MODEL} is missing; it recognises the letters of the moving picture. Make it: make repro")
    frames = list(open_source(FILM, fast=True))
    rgb, wall = frames[MOMENT].rgb, frames[0].rgb
    with HandLandmarker("image") as landmarker:
        hand = landmarker.detect(rgb)
    assert hand is not None  # noqa: S101 - the film shows one at that time
    points, mask = hand.landmarks, render_mask(hand.landmarks)
    view = View(rgb=rgb, points=points, mask=mask, reply=Reply(0, "L", 0.94, "L", None, 0.6), rate=30, latency=0.018)
    gone = replace(view, rgb=wall, points=None, mask=None, reply=Reply(0, None, 0.0, None, None))
    moved = np.array([[1, 0, EDGE], [0, 1, 0]], dtype=np.float32)
    aside = cv2.warpAffine(rgb, moved, rgb.shape[1::-1], borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)
    edge = points + np.array([EDGE, 0, 0], dtype=np.float32)
    spelling, ended = complete("HELLO WORKD"), complete("HELLO WORKD")
    ended.end_word()
    states = {
        "reading": draw_screen(view, Controls(spelled("HE"))),
        "unsure": draw_screen(replace(view, reply=Reply(0, None, 0.41, None, None)), Controls(spelled("HE"))),
        "no_hand": draw_screen(replace(gone, hint=find_hint(gone.rgb, None)), Controls(spelled("HELLO"))),
        "edge": draw_screen(
            replace(
                view, rgb=aside, points=edge, mask=render_mask(edge), hint=find_hint(aside, edge),
                reply=Reply(0, "L", 0.71, None, None),
            ),
            Controls(spelled("HE")),
        ),
        "no_service": draw_screen(
            replace(view, reply=None, problem=AWAY, state="no service", is_ok=False), Controls(spelled("HE"))
        ),
        "paused": draw_screen(replace(view, reply=None), Controls(spelled("HE"), paused=True)),
        "candidates": draw_screen(view, Controls(spelling)),
        "accepted": draw_screen(replace(view, reply=None), Controls(ended)),
        "letters": draw_screen(view, Controls(spelled("HE"), panel="Letters")),
        "help": draw_screen(view, Controls(spelled("HE"), panel="Help")),
        "recording": draw_recording(rgb, points, letter="L", taken=7, wanted=20, recording=True),
    }  # fmt: skip
    for name, picture in states.items():
        path = FOLDER / f"{name}.png"
        with atomic_write(path) as partial:
            png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
            partial.write_bytes(png.tobytes())
        sys.stdout.write(f"{path}\n")
    with serve(MODEL) as (host, _):
        film = draw_spelling(f"http://{host}")
    save_film(FOLDER / "spelling.webp", film)


def draw_spelling(server: str) -> list[Picture]:
    """Draw the window while the rendered hand spells at its own pace, with the replies of the service."""
    controls, pace, shown = Controls(), Pace(), []
    with closing(Connection(server)) as connection, follow_hand(None, related=True) as find:
        hands = find_hands(open_source(FILM), find, lambda _: None)
        predictions = recognise_letters(
            hands,
            lambda detection: connection.ask(detection.mask, trail=detection.trail),
            lambda: False,
            live=False,
        )
        for prediction in predictions:
            detection, reply = prediction.detection, prediction.reply
            controls.spelling.see(reply, detection.frame.time, has_hand=detection.hand is not None)
            pace.add(detection.frame.captured, prediction.answered)
            points = None if detection.hand is None else detection.hand.landmarks
            view = View(
                detection.frame.rgb, points, detection.mask, detection.trail, connection.has_trails, reply,
                rate=pace.rate, latency=pace.latency,
            )  # fmt: skip
            if detection.frame.index % EVERY == 0:
                shown.append((view, str(controls.spelling.text)))
    return [draw_screen(view, Controls(spelled(text))) for view, text in shown]


def spelled(text: str) -> Spelling:
    """Take a text as spelled."""
    return Spelling(read_text(text))


def complete(text: str) -> Spelling:
    """Take a text as spelled to a service that has candidates for its last word."""
    found = Candidates(("WORLD", "WORKED", "WORD"), "WORLD")
    spelling = Spelling(read_text(text), Completion(lambda _: found, Status(sys.stderr), background=False))
    spelling.update()
    return spelling


def save_film(path: Path, film: list[Picture]) -> None:
    """Write a moving picture."""
    first, *others = [Image.fromarray(picture).resize(SMALL, Image.Resampling.LANCZOS) for picture in film]
    with atomic_write(path) as partial:
        first.save(
            partial, "WEBP", save_all=True, append_images=others, duration=round(1000 * EVERY / RATE), loop=0,
            quality=QUALITY, method=6,
        )  # fmt: skip
    sys.stdout.write(f"{path}: {path.stat().st_size / 1024:.0f} KiB\n")


if __name__ == "__main__":
    run_door(main)
