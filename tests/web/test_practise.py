"""Practise tells which finger is off: on synthetic hands, on rendered ones, and on people's where those are at hand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from service.recogniser import Recogniser
from stages.data.loader import draw_masks
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands

ROOT = Path(__file__).parents[2]
WRONG = [
    "AS", "SA", "ST", "TN", "NM", "MN", "EO", "DX", "GH", "UV", "RU", "KV", "IY", "DL", "FW", "WV", "SE", "AT", "CO",
    "BF", "VW", "LX", "UH", "QP",
]  # fmt: skip
"""Letter asked for and letter shown: those that learners confuse, and some that differ in one finger or in the hand."""
FINGERS = ("index", "middle", "ring", "little")
BENT, APART, MOVED, TURNED = 20.0, 6.0, 0.25, 35.0
"""From how many degrees, palm lengths and degrees on a finger, a gap, the thumb and the hand differ."""
MIRRORED = ("borisgraudt", "nejohnson2")
"""Sources whose pictures are mirrored; the others show right hands."""

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="no Node.js to run the page's tests with")


def find_differences(asked: str, shown: str) -> list[str]:
    """Which parts differ between what most signers do for two letters, by the table of handshapes."""
    table = read_handshapes()
    differ = set()
    for row in np.flatnonzero(table.letters == shown):
        rows = np.flatnonzero(table.letters == asked)
        bends = np.abs(table.flexion[rows] - table.flexion[row])[:, :2].max(axis=1)
        aside = table.abduction[:, :3] - table.abduction[:, 1:]
        gaps = np.abs(aside[rows] - aside[row])
        thumb = np.linalg.norm(table.thumb_tip[rows] - table.thumb_tip[row], axis=1)
        turn = np.abs((table.orientation[rows] - table.orientation[row] + 180.0) % 360.0 - 180.0).max(axis=1)
        nearest = int((bends.sum(axis=1) / BENT + thumb / MOVED + turn / TURNED + gaps.sum(axis=1) / APART).argmin())
        differ |= {finger for finger, bend in zip(FINGERS, bends[nearest], strict=True) if bend >= BENT}
        for number in np.flatnonzero(gaps[nearest] >= APART):
            differ |= {FINGERS[number], FINGERS[number + 1]}
        differ |= {"thumb"} if thumb[nearest] >= MOVED else set()
        differ |= {"hand"} if turn[nearest] >= TURNED else set()
    return sorted(differ)


def as_set(recogniser, landmarks, labels, left, right, pairs):
    """A set of hands as the page's test reads it, with what the network reads and the shares that must be reached."""
    read = [recogniser.predict(draw_masks(landmarks[start : start + 256])) for start in range(0, len(landmarks), 256)]
    letters = np.array(recogniser.classes)[np.concatenate(read).argmax(axis=1)]
    hands = [
        {"letter": letter, "read": seen, "left": bool(side), "points": points}
        for letter, seen, side, points in zip(
            labels.tolist(), letters.tolist(), left, np.round(landmarks[..., :2], 2).tolist(), strict=True
        )
    ]
    wrong = [{"asked": asked, "shown": shown, "differ": find_differences(asked, shown)} for asked, shown in WRONG]
    return {"hands": hands, "pairs": wrong, "least": {"right": right, "pairs": pairs}}


def run_on(tmp_path, sets):
    (tmp_path / "hands.json").write_text(json.dumps(sets))
    done = subprocess.run(
        ["npx", "vitest", "run", "tests/practise.hands.test.ts"],
        cwd=ROOT / "client" / "web",
        env=os.environ | {"NO_COLOR": "1", "FINGERSPELL_HANDS": str(tmp_path / "hands.json")},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    print(printed)  # noqa: T201 - the figures, with `pytest -s`
    assert len(re.findall(r"right hands are right: [\d.]+ %", printed)) == len(sets)


@pytest.mark.slow
@pytest.mark.usefixtures("built")
def test_synthetic_and_rendered_hands_are_judged_rightly(shipped_model, tmp_path):
    hands = synthesize_hands(read_handshapes(), signers=24, samples_per_letter=1, seed=3)
    with np.load(ROOT / "pretrained" / "rendered.npz") as file:
        letters = np.flatnonzero((file["rows"] >= 0) & np.isfinite(file["landmarks"]).all(axis=(1, 2)))[::75]
        found = file["landmarks"][letters].astype(np.float32), file["labels"][letters]
        left = file["handedness"][letters] == "L"
    recogniser = Recogniser(shipped_model)
    synthetic = as_set(recogniser, hands.landmarks, hands.labels, hands.handedness == "Left", 0.9, 20)
    run_on(tmp_path, {"synthetic": synthetic, "rendered": as_set(recogniser, *found, left, 0.9, 20)})


@pytest.mark.slow
@pytest.mark.usefixtures("built")
def test_people_are_judged_rightly(shipped_model, shared, tmp_path):
    recogniser = Recogniser(shipped_model)
    sets = {}
    for name, folder in (("development set", "landmarks"), ("test set", "test")):
        files = sorted((shared / "data" / folder).glob("*.npz"))
        arrays = [np.load(file) for file in files]
        landmarks = np.concatenate([each["landmarks"].astype(np.float32) for each in arrays])
        labels = np.concatenate([each["labels"] for each in arrays])
        left = np.concatenate(
            [np.full(len(each["labels"]), file.stem in MIRRORED) for each, file in zip(arrays, files, strict=True)]
        )
        sets[name] = as_set(recogniser, landmarks, labels, left, 0.9, 20)
    run_on(tmp_path, sets)


def test_letters_that_the_reader_is_weak_at_are_those_of_the_report():
    source = (ROOT / "client" / "web" / "src" / "practise" / "mastery.ts").read_text()
    told = re.search(r"READ_BADLY.*?= \{(.*?)\}", source).group(1)
    report = json.loads((ROOT / "reports" / "people" / "development.json").read_text())
    letters = report["networks"][report["champion"]]["letters"]
    weak = {letter: round(each["accuracy"], 2) for letter, each in letters.items() if each["accuracy"] < 0.8}
    assert dict(re.findall(r"([A-Z]): ([\d.]+)", told)) == {letter: str(share) for letter, share in weak.items()}
