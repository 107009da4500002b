"""The annotated film: even frames from uneven ones, complete or absent."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from client.errors import ClientError
from client.window.film_writer import FilmWriter


def read(path):
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (got := capture.read())[0]:
        frames.append(int(got[1].mean()))
    return frames, capture.get(cv2.CAP_PROP_FPS)


def test_pictures_keep_their_times(tmp_path):
    path = tmp_path / "out.mp4"
    with FilmWriter(path, 10.0) as film:
        for brightness, seconds in ((40, 0.0), (120, 0.1), (200, 0.5)):
            film.add(np.full((120, 160, 3), brightness, np.uint8), seconds)
            assert not path.exists(), "the film appears only once it is complete"
    frames, rate = read(path)
    assert rate == pytest.approx(10.0)
    assert len(frames) == 6
    assert frames[0] < 60 < frames[1] < 140 < frames[-1]
    assert [each.name for each in tmp_path.iterdir()] == ["out.mp4"]


def test_without_pictures_there_is_no_film(tmp_path):
    with FilmWriter(tmp_path / "out.mp4", 10.0):
        pass
    assert list(tmp_path.iterdir()) == []


def film_length(path, times):
    """Seconds of a film of 10 frames a second whose pictures were taken at these times."""
    with FilmWriter(path, 10.0) as film:
        for seconds in times:
            film.add(np.zeros((120, 160, 3), np.uint8), seconds)
    return len(read(path)[0]) / 10


@pytest.mark.parametrize(
    ("times", "length"),
    [
        ([0.0, 3600.0], 10.1),
        ([0.0, *(60.0 + frame / 10 for frame in range(20))], 12.0),
        ([0.0, 60.0, 60.1, 120.0, 120.1], 20.3),
        ([0.0, 9.0, 18.0], 18.1),
    ],
)
def test_a_long_pause_is_cut_once_and_what_follows_keeps_its_pace(tmp_path, times, length):
    assert film_length(tmp_path / "out.mp4", times) == length


def test_pictures_that_come_faster_than_the_film_do_not_make_it_longer(tmp_path):
    times = [frame / 40 for frame in range(41)]
    assert film_length(tmp_path / "out.mp4", times) == 1.1


@pytest.mark.parametrize(
    ("path", "message"), [("out.avi", "ends in .mp4"), ("nowhere/out.mp4", "there is no folder nowhere")]
)
def test_a_path_that_cannot_be_written_is_reported_at_once(path, message):
    with pytest.raises(ClientError, match=message):
        FilmWriter(Path(path), 30.0)
