"""Pictures of the client's main states for its documentation, drawn by the code that draws the window.

Usage: python -m benchmarks.client_pictures

The moving one shows what the service really answered: a drawn hand spells, and the packaged champion reads it.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from PIL import Image

from benchmarks.service import MODEL, serve
from client.connection import Connection, Reply, encode_png
from client.controls import Controls
from client.demo import RATE, DemoFilm, draw_frame
from client.hints import find_hint
from client.mask import render_mask
from client.recording_screen import draw_recording
from client.screen import View, draw_screen
from client.timings import Pace
from stages.data.archive import beside
from stages.errors import run_door

if TYPE_CHECKING:
    import numpy.typing as npt

FOLDER: Final = Path("docs/client")
MOMENT: Final = 3.5
"""Second of the demonstration in which L is held."""
WORD, EVERY, SMALL, COLOURS = "HELLO", 3, (768, 432), 128
"""What the moving picture spells, every which frame it shows, its size and the number of its colours."""
AWAY: Final = "No service at http://127.0.0.1:3000. Start it with `make serve`, or name another with --server."


def main() -> None:
    """Draw every state into `docs/client/`."""
    argparse.ArgumentParser(prog="python -m benchmarks.client_pictures", description=main.__doc__).parse_args()
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
        with beside(path) as partial:
            png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
            partial.write_bytes(png.tobytes())
        sys.stdout.write(f"{path}\n")
    path = FOLDER / "spelling.gif"
    with serve(MODEL) as (host, _):
        film = [
            Image.fromarray(picture).resize(SMALL, Image.Resampling.LANCZOS)
            for picture in draw_spelling(f"http://{host}")
        ]
    palette = max(film, key=lambda picture: len(picture.getcolors(picture.width * picture.height))).quantize(COLOURS)
    pictures = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in film]
    with beside(path) as partial:
        pictures[0].save(
            partial, "GIF", save_all=True, append_images=pictures[1:], duration=round(1000 * EVERY / RATE), loop=0
        )
    sys.stdout.write(f"{path}\n")


def draw_spelling(server: str) -> list[npt.NDArray[np.uint8]]:
    """Draw the window while a drawn hand spells at its own pace, with what the service answers."""
    film, text, pace = DemoFilm(WORD, once=True), "", Pace()
    shown = []
    with Connection(server) as connection:
        for frame in film:
            points = film.pose(frame.time)
            mask = None if points is None else render_mask(points)
            reply = connection.ask(b"" if mask is None else encode_png(mask))
            text += reply.committed or ""
            pace.add(frame.captured, time.perf_counter())
            view = View(frame.rgb, points, mask, reply, rate=pace.rate, latency=pace.latency)
            if frame.index % EVERY == 0:
                shown.append((view, Controls(text)))
    return [draw_screen(view, controls) for view, controls in shown]


if __name__ == "__main__":
    run_door(main)
