"""Pictures of the client's main states for its documentation, drawn by the code that draws the window.

Usage: python -m benchmarks.client_pictures
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from client.connection import Reply
from client.controls import Controls
from client.demo import DemoFilm, draw_frame
from client.hints import find_hint
from client.mask import render_mask
from client.recording_screen import draw_recording
from client.screen import View, draw_screen
from stages.data.archive import beside
from stages.errors import run_door

FOLDER: Final = Path("docs/client")
MOMENT: Final = 3.5
"""Second of the demonstration in which L is held."""
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


if __name__ == "__main__":
    run_door(main)
