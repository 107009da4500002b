"""The film of the demonstration: a rendered hand spells HELLO WORLD, for those without a camera."""

from __future__ import annotations

import itertools
from importlib import resources
from typing import TYPE_CHECKING, Final

from client.capture.camera import Film, open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client.capture.camera import Camera, TimedPicture

FILM: Final = str(resources.files("client").joinpath("hello_world.mp4"))
"""Made by `make render-film`."""


def open_demo(*, fast: bool) -> Film | Camera:
    """Open the film: over and over at its own pace, or once and as fast as its frames are consumed if `fast`."""
    film = open_source(FILM, fast=True)
    return film if fast else Film(_repeat(film.frame_rate), film.frame_rate, live=True)


def _repeat(frame_rate: float) -> Iterator[TimedPicture]:
    start = 0.0
    for _ in itertools.count():
        seconds = 0.0
        for frame in open_source(FILM, fast=True):
            seconds = frame.time
            yield frame.rgb, start + seconds
        start += seconds + 1.0 / frame_rate
