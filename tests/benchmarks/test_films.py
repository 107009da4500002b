"""The benchmark on films of single letters: the client's text decides, and one service serves all films."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import films as bench
from stages.errors import InputError, PipelineError

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))
from serving import application, write_letters_model, write_model


def write_film(path, source, frames):
    capture = cv2.VideoCapture(str(source))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 15, (640, 480))
    for _ in range(frames):
        writer.write(capture.read()[1])
    writer.release()
    capture.release()


def write_empty_film(path):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 15, (160, 120))
    for _ in range(6):
        writer.write(np.zeros((120, 160, 3), np.uint8))
    writer.release()


def test_the_text_is_what_the_client_writes(shared, tmp_path):
    write_film(tmp_path / "H.mp4", shared / "data/helloworld.mp4", 20)
    with application(write_letters_model(tmp_path / "model.onnx", "HE")) as host:
        assert bench.film_text(tmp_path / "H.mp4", f"http://{host}") == "H"


def test_a_film_that_the_client_cannot_open_ends_the_run(tmp_path):
    (tmp_path / "A.mp4").write_bytes(b"no film")
    with pytest.raises(PipelineError, match=r"A\.mp4.*ended with status 1"):
        bench.film_text(tmp_path / "A.mp4", "http://127.0.0.1:9")


@pytest.mark.slow
def test_every_film_of_a_letter_goes_through_a_packaged_service(tmp_path, monkeypatch, capsys):
    for name in ("A", "J", "intro"):
        write_empty_film(tmp_path / f"{name}.mp4")
    model = write_model(tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["films", str(tmp_path), "--model", str(model)])
    bench.main()
    report = json.loads((tmp_path / "reports/bench_films.json").read_text())
    assert report["texts"] == {"A": "", "J": ""}
    printed = capsys.readouterr().out
    assert "0 of 2 letters are recognised exactly" in printed
    assert "A as nothing, J as nothing" in printed


def test_only_the_letter_alone_is_exact():
    texts = {"A": "A", "B": "BB", "C": "", "J": "J", "M": "MS", "Z": ""}
    report = bench.FilmReport(folder="f", model_hash="h", texts=texts)
    assert report.exact == ["A", "J"]
    assert bench.as_text(report).splitlines() == [
        "f: 2 of 6 letters are recognised exactly",
        "exactly      A J",
        "not exactly  B as BB, C as nothing, M as MS, Z as nothing",
    ]


def test_a_folder_without_films_is_refused(tmp_path):
    write_empty_film(tmp_path / "hello.mp4")
    with pytest.raises(InputError, match=r"Name them A\.mp4"):
        bench.find_films(tmp_path)
