"""Pictures of the client's main states for its documentation, drawn by the code that draws the window.

Usage: python -m benchmarks.client_pictures

The moving one shows real replies of the service: a drawn hand spells, and the packaged champion recognises it.
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
from client.capture.demo import RATE, DemoSigner, draw_frame
from client.capture.hints import find_hint
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
MOMENT: Final = 3.5
"""Second of the demonstration in which L is held."""
WORD, EVERY, SMALL, COLOURS = "HELLO", 3, (768, 432), 128
"""Of the moving picture: its text, the interval between the frames it shows, its size and its number of colours."""
AWAY: Final = "No service at http://127.0.0.1:3000. Start it with `make serve`, or name another with --server."


def main() -> None:
    """Draw every state into `docs/client/`."""
    argparse.ArgumentParser(prog="python -m benchmarks.client_pictures", description=main.__doc__).parse_args()
    if not MODEL.is_file():
        raise PipelineError(f"{MODEL} is missing; it recognises the letters of the moving picture. Make it: make repro")
    points = DemoSigner().pose(MOMENT)
    assert points is not None  # noqa: S101 - the film shows a hand at that time
    rgb, mask = draw_frame(points), render_mask(points)
    view = View(rgb=rgb, points=points, mask=mask, reply=Reply(0, "L", 0.94, "L", None, 0.6), rate=30, latency=0.018)
    gone = replace(view, rgb=draw_frame(None), points=None, mask=None, reply=Reply(0, None, 0.0, None, None))
    edge = points - np.array([230, 0, 0], dtype=np.float32)
    spelling, ended = complete("HELLO WORKD"), complete("HELLO WORKD")
    ended.end_word()
    states = {
        "reading": draw_screen(view, Controls(spelled("HE"))),
        "unsure": draw_screen(replace(view, reply=Reply(0, None, 0.41, None, None)), Controls(spelled("HE"))),
        "no_hand": draw_screen(replace(gone, hint=find_hint(gone.rgb, None)), Controls(spelled("HELLO"))),
        "edge": draw_screen(
            replace(
                view, rgb=draw_frame(edge), points=edge, mask=render_mask(edge), hint=find_hint(rgb, edge),
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
    save_film(FOLDER / "spelling.gif", film)


def draw_spelling(server: str) -> list[Picture]:
    """Draw the window while a drawn hand spells at its own pace, with the replies of the service."""
    signer, controls, pace, shown = DemoSigner(WORD), Controls(), Pace(), []
    with closing(Connection(server)) as connection:
        hands = find_hands(signer.film(live=True, once=True), signer.find, lambda _: None)
        predictions = recognise_letters(
            hands, lambda detection: connection.ask(detection.mask), lambda: False, live=False
        )
        for prediction in predictions:
            detection, reply = prediction.detection, prediction.reply
            controls.spelling.see(reply, detection.frame.time, has_hand=detection.hand is not None)
            pace.add(detection.frame.captured, prediction.answered)
            points = None if detection.hand is None else detection.hand.landmarks
            view = View(detection.frame.rgb, points, detection.mask, reply, rate=pace.rate, latency=pace.latency)
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
    """Write a moving picture with one palette, that of the frame with the most colours."""
    small = [Image.fromarray(picture).resize(SMALL, Image.Resampling.LANCZOS) for picture in film]
    palette = max(small, key=lambda picture: len(picture.getcolors(picture.width * picture.height))).quantize(COLOURS)
    first, *others = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in small]
    with atomic_write(path) as partial:
        first.save(partial, "GIF", save_all=True, append_images=others, duration=round(1000 * EVERY / RATE), loop=0)
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    run_door(main)
