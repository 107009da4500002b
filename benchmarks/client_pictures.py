"""Pictures of the client's main states for its documentation, drawn by the code that draws the window.

Usage: python -m benchmarks.client_pictures

The moving one shows what the service really answered: a drawn hand spells, and the packaged champion reads it.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from PIL import Image

from benchmarks.service import MODEL, serve
from client.capture.demo import RATE, DemoFilm, draw_frame
from client.capture.hints import find_hint
from client.mask import render_mask
from client.stream.connection import Connection, PatientConnection, Reply
from client.stream.pipeline import ServiceReader, find_hands, read_letters
from client.stream.status import Status
from client.stream.timings import Pace
from client.window.controls import Controls
from client.window.recording_screen import draw_recording
from client.window.screen import View, draw_screen
from stages.errors import PipelineError, run_door
from stages.files import atomic_write

if TYPE_CHECKING:
    from client.window.drawing import Picture

FOLDER: Final = Path("docs/client")
MOMENT: Final = 3.5
"""Second of the demonstration in which L is held."""
WORD, EVERY, SMALL, COLOURS = "HELLO", 3, (768, 432), 128
"""What the moving picture spells, every which frame it shows, its size and the number of its colours."""
AWAY: Final = "No service at http://127.0.0.1:3000. Start it with `make serve`, or name another with --server."


def main() -> None:
    """Draw every state into `docs/client/`."""
    argparse.ArgumentParser(prog="python -m benchmarks.client_pictures", description=main.__doc__).parse_args()
    if not MODEL.is_file():
        raise PipelineError(f"{MODEL} is missing, which reads the moving one. Make it: make repro")
    points = DemoFilm().pose(MOMENT)
    assert points is not None  # noqa: S101 - the film shows a hand then
    rgb, mask = draw_frame(points), render_mask(points)
    view = View(rgb=rgb, points=points, mask=mask, reply=Reply(0, "L", 0.94, "L", None, 0.6), rate=30, latency=0.018)
    gone = replace(view, rgb=draw_frame(None), points=None, mask=None, reply=Reply(0, None, 0.0, None, None))
    edge = points - np.array([230, 0, 0], dtype=np.float32)
    states = {
        "reading": draw_screen(view, Controls("HE")),
        "unsure": draw_screen(replace(view, reply=Reply(0, None, 0.41, None, None)), Controls("HE")),
        "no_hand": draw_screen(replace(gone, hint=find_hint(gone.rgb, None)), Controls("HELLO")),
        "edge": draw_screen(
            replace(
                view, rgb=draw_frame(edge), points=edge, mask=render_mask(edge), hint=find_hint(rgb, edge),
                reply=Reply(0, "L", 0.71, None, None),
            ),
            Controls("HE"),
        ),
        "no_service": draw_screen(
            replace(view, reply=None, trouble=AWAY, state="no service", well=False), Controls("HE")
        ),
        "paused": draw_screen(replace(view, reply=None), Controls("HE", paused=True)),
        "letters": draw_screen(view, Controls("HE", panel="Letters")),
        "help": draw_screen(view, Controls("HE", panel="Help")),
        "recording": draw_recording(rgb, points, mask, letter="L", taken=7, wanted=20, recording=True),
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
    """Draw the window while a drawn hand spells at its own pace, with what the service answers."""
    film, controls, pace, shown = DemoFilm(WORD, once=True), Controls(), Pace(), []
    with PatientConnection(
        lambda: Connection(server), Status(sys.stderr), patience=0.0, lossless=True, strict=True
    ) as connection:  # fmt: skip
        hands = find_hands(film, film, lambda _: None)
        for reading in read_letters(hands, ServiceReader(connection), lambda: False, live=False):
            seen, reply = reading.seen, reading.reply
            controls.commit(reply.committed)
            pace.add(seen.frame.captured, reading.answered)
            points = None if seen.hand is None else seen.hand.landmarks
            view = View(seen.frame.rgb, points, seen.mask, reply, rate=pace.rate, latency=pace.latency)
            if seen.frame.index % EVERY == 0:
                shown.append((view, controls.text))
    return [draw_screen(view, Controls(text)) for view, text in shown]


def save_film(path: Path, film: list[Picture]) -> None:
    """Write a moving picture in which all pictures have the colours of the richest one."""
    small = [Image.fromarray(picture).resize(SMALL, Image.Resampling.LANCZOS) for picture in film]
    palette = max(small, key=lambda picture: len(picture.getcolors(picture.width * picture.height))).quantize(COLOURS)
    first, *others = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in small]
    with atomic_write(path) as partial:
        first.save(partial, "GIF", save_all=True, append_images=others, duration=round(1000 * EVERY / RATE), loop=0)
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    run_door(main)
