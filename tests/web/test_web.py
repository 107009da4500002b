"""The page for browsers: built, tested by its own tools, served, and in a real Chromium with a film as its camera."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from benchmarks.page import HELD
from benchmarks.service import serve
from client.capture.demo import FILM
from client.landmarks import HandLandmarker, assemble_bundle
from client.mask import MASK_VERSION, TRAIL_VERSION, render_mask
from client.trail import Trail
from service.decoding import decode_mask
from service.page import POLICY
from service.recogniser import Recogniser
from stages.export.packing import pack_weights, round_weights
from stages.hand.handshapes import read_handshapes
from stages.hand.movements import synthesize_movements
from stages.hand.signers import synthesize_hands

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "client" / "web"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
EMPTY = 8
"""Frames of the empty wall before each letter of the film."""
AWAY = 30
"""Frames without a hand, which end a word."""

pytestmark = [
    pytest.mark.skipif(shutil.which("npm") is None, reason="no Node.js to build the page with"),
    pytest.mark.timeout(600),  # a browser and a service on a busy machine
]


@pytest.fixture(scope="module")
def address(built, words_service):
    """A service that serves the page, which is built before it starts, and knows English words."""
    return words_service


def run_tests(*files: str, **environment: str) -> str:
    """Run the page's own tests; returns their output."""
    done = subprocess.run(
        ["npx", "vitest", "run", "--reporter", "verbose", *files],
        cwd=PAGE, env=os.environ | {"NO_COLOR": "1"} | environment, capture_output=True, text=True, timeout=580,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_types_and_logic_and_the_same_masks_as_python(built, tmp_path):
    for task in ("check", "lint"):
        done = subprocess.run(["npm", "run", task], cwd=PAGE, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    hands = synthesize_hands(read_handshapes(), signers=4, samples_per_letter=1, seed=11, non_letters=2).landmarks
    vectors = [{"points": points[:, :2].tolist(), "mask": pack(render_mask(points))} for points in hands]
    moving = {"trailVersion": TRAIL_VERSION, "movements": [*synthetic_movements(300), *random_movements(40)]}
    (tmp_path / "vectors.json").write_text(json.dumps({"version": MASK_VERSION, "hands": vectors, **moving}))
    names = (
        "mask", "logic", "enrolment", "profile", "ownHand", "mistakes", "text", "spelling", "stream", "words",
        "loading", "practise",
    )  # fmt: skip
    files = (f"tests/{name}.test.ts" for name in names)
    printed = run_tests(*files, FINGERSPELL_VECTORS=str(tmp_path / "vectors.json"))
    equal = re.findall(r"equal pixels of (\w+) ([\d.]+) %", printed)
    assert [name for name, _ in equal] == ["masks", "trails"]
    assert min(float(share) for _, share in equal) > 99.99


def pack(picture):
    """A picture's pixels, compressed, as text."""
    return base64.b64encode(zlib.compress(picture)).decode()


def synthetic_movements(count):
    """Hands that draw J and Z or move otherwise, 6 to 30 frames a second, and the trails that Python draws of them."""
    moves = synthesize_movements(read_handshapes(), count, 5)
    for landmarks, times in zip(moves.landmarks * np.float32(83.7) + np.float32(300), moves.times, strict=True):
        begin = int(np.isfinite(times).argmax())
        hands = [None if np.isnan(hand).any() else hand for hand in landmarks[begin:]]
        yield follow_movement(times[begin:].tolist(), hands)


def random_movements(count):
    """Hands that are no hands, which come and go, at times that repeat and leap."""
    rng = np.random.default_rng(6)
    for speed in rng.uniform(0.0, 40.0, size=count):
        steps = rng.choice([0.0, 0.01, 0.03, 0.1, 0.41, -0.02], p=[0.1, 0.3, 0.3, 0.2, 0.05, 0.05], size=60)
        hands = 200 + np.cumsum(rng.normal(size=(60, 21, 2)) * speed, axis=0, dtype=np.float32)
        lost = rng.random(60) < 0.2
        lost[-1] = False
        found = [None if gone else hand for hand, gone in zip(hands, lost, strict=True)]
        yield follow_movement(np.cumsum(steps).tolist(), found)


def follow_movement(times, hands):
    """The frames of a movement, whether Python draws its trail after each, and the last trail."""
    trail, pictures = Trail(), []
    for time, hand in zip(times, hands, strict=True):
        trail.add(time, hand)
        pictures.append(trail.draw())
    points = [None if hand is None else hand[:, :2].tolist() for hand in hands]
    return {
        "frames": [{"time": time, "points": hand} for time, hand in zip(times, points, strict=True)],
        "drawn": [picture is not None for picture in pictures],
        "trail": None if pictures[-1] is None else pack(pictures[-1]),
    }


def test_the_page_and_its_files_come_with_a_policy_and_compressed(address, built):
    page = httpx.get(f"{address}/", headers={"accept": "text/html"})
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["content-type"].startswith("text/html")
    names = re.findall(r'(?:src|href)="(/web/[^"]+)"', page.text)
    assert len(names) >= 4
    assets = [f"/web/{path.relative_to(built)}" for path in (built / "assets").iterdir()]
    assets = [name for name in assets if not name.endswith((".br", ".gz"))]
    assert {Path(name).suffix for name in assets} >= {".js", ".css", ".wasm", ".packed"}
    for name in {*names, *assets}:
        for coding in ("br", "gzip"):
            answer = httpx.head(address + name, headers={"accept-encoding": coding})
            assert answer.status_code == 200, name
            assert answer.headers["content-security-policy"] == POLICY
            is_packed = name.endswith((".svg", ".webp"))
            assert answer.headers.get("content-encoding") == (None if is_packed else coding), name
            assert ("immutable" in answer.headers["cache-control"]) == (name in assets)
    wasm = next(name for name in assets if name.endswith(".wasm"))
    assert httpx.head(address + wasm).headers["content-type"] == "application/wasm", "or it is not compiled on arrival"
    script = next(name for name in names if name.endswith(".js"))
    plain = httpx.get(address + script, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == httpx.get(address + script, headers={"accept-encoding": "gzip"}).text
    assert httpx.get(f"{address}/web/nothing.js").headers["content-type"] == "application/problem+json"
    assert "GET  /model" in httpx.get(f"{address}/", headers={"accept": "*/*"}).text


def test_the_service_worker_names_all_files_and_the_service_their_version(address, built):
    worker = httpx.get(f"{address}/web/sw.js")
    assert worker.headers["service-worker-allowed"] == "/"
    version, files = re.findall(r"^self\.VERSION=(.*?);self\.FILES=(.*?);$", worker.text, re.MULTILINE)[0]
    assert httpx.get(f"{address}/model").headers["page-version"] == json.loads(version)
    kept = {"index.html" if path == "/" else path.removeprefix("/web/") for path in json.loads(files)}
    paths = {str(path.relative_to(built)) for path in built.rglob("*") if path.is_file()}
    assert kept == {path for path in paths if not path.endswith((".br", ".gz"))} - {"sw.js", "version.txt"}


def test_what_a_visit_loads_is_small(built):
    """The page's own JavaScript and CSS, compressed; the worker with MediaPipe is loaded beside the hand model."""
    paths = [path for path in (built / "assets").iterdir() if path.suffix in {".js", ".css"}]
    own = [path for path in paths if not path.name.startswith(("landmarks.worker", "vision_wasm"))]
    assert len(own) >= 2
    assert sum(path.with_name(f"{path.name}.gz").stat().st_size for path in own) < 40_000


def test_the_hand_model_is_mediapipes(built, tmp_path):
    (packed,) = (built / "assets").glob("*.packed")
    bundle = round_weights(assemble_bundle())
    assert packed.read_bytes() == pack_weights(bundle)
    assert f"MODEL_BYTES = {len(bundle):_};" in (PAGE / "src" / "loading.ts").read_text()
    unpacked = tmp_path / "unpacked"
    command = ["npx", "vite-node", "tests/unpack.ts", str(packed), str(unpacked)]
    subprocess.run(command, cwd=PAGE, capture_output=True, timeout=60, check=True)
    assert unpacked.read_bytes() == bundle


def test_the_page_needs_no_token_but_its_requests_do(built, shipped_model, monkeypatch):
    monkeypatch.setenv("FINGERSPELL_TOKEN", "sesame")
    with serve(shipped_model) as (host, _):
        assert httpx.get(f"http://{host}/", headers={"accept": "text/html"}).status_code == 200
        assert httpx.get(f"http://{host}/web/icon.svg").status_code == 200
        assert httpx.get(f"http://{host}/model").status_code == 401
        assert httpx.get(f"http://{host}/web/../model").status_code == 401


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to open the page in (Debian: apt-get install chromium)")
def test_a_browser_reads_hello_world_of_a_rendered_hand(address, tmp_path):
    film = tmp_path / "rendered.mjpeg"
    write_camera(FILM, film, rate=30)
    run_tests(
        "tests/hello.browser.test.ts", FINGERSPELL_URL=address, FINGERSPELL_FILM=str(film), CHROMIUM=CHROMIUM,
        FINGERSPELL_PICTURES=os.environ.get("FINGERSPELL_PICTURES", ""),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to open the page in (Debian: apt-get install chromium)")
def test_a_browser_reads_where_something_fails_and_keeps_the_page(address, built, shipped_model, tmp_path):
    film = tmp_path / "held.mjpeg"
    write_camera(FILM, film, frames=[HELD], rate=30)
    with serve(shipped_model, checkout=next_release(built, tmp_path / "next")) as (host, _):
        run_tests(
            "tests/robust.browser.test.ts", FINGERSPELL_URL=address, FINGERSPELL_NEXT=f"http://{host}",
            FINGERSPELL_FILM=str(film), CHROMIUM=CHROMIUM,
        )  # fmt: skip


def next_release(built, folder):
    """A checkout whose page has another title and version."""
    shutil.copytree(built, folder / "web")
    for path in [*(folder / "web").glob("index.html.*"), *(folder / "web").glob("sw.js.*")]:
        path.unlink()
    page, worker = folder / "web" / "index.html", folder / "web" / "sw.js"
    page.write_text(page.read_text().replace("<title>Fingerspell", "<title>Fingerspell, next"))
    worker.write_text(re.sub(r'VERSION="\w+"', 'VERSION="next"', worker.read_text(), count=1))
    (folder / "web" / "version.txt").write_text("next")
    for name in ("service", "client", "stages", "benchmarks"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to open the page in (Debian: apt-get install chromium)")
def test_a_browser_recognises_a_real_hand_and_draws_the_same_masks(address, shipped_model, shared, tmp_path):
    film, photos, masks = tmp_path / "hello.mjpeg", tmp_path / "photos", tmp_path / "masks"
    write_camera(shared / "data/helloworld.mp4", film)
    photos.mkdir()
    masks.mkdir()
    drawn = {}
    with HandLandmarker("image") as landmarker:
        for path in sorted((shared / "data/photos/t32rahman").glob("*/*.jpg"))[::6]:
            bgr = cv2.imread(str(path))
            pictures = {path.stem: bgr}
            if path.stem == "00" and path.parent.name in "ABCDEFGH":
                pictures["grey"] = cv2.cvtColor(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
            for stem, picture in pictures.items():
                name = f"{path.parent.name}_{stem}.png"
                cv2.imwrite(str(photos / name), picture)
                for hand in landmarker.detect_all(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)):
                    drawn[name] = render_mask(hand.landmarks)
    printed = run_tests(
        "tests/browser.test.ts", FINGERSPELL_URL=address, FINGERSPELL_FILM=str(film), CHROMIUM=CHROMIUM,
        FINGERSPELL_PHOTOS=str(photos), FINGERSPELL_MASKS=str(masks),
        FINGERSPELL_PICTURES=os.environ.get("FINGERSPELL_PICTURES", ""),
    )  # fmt: skip
    browser = {path.name: decode_mask(path.read_bytes()) for path in masks.iterdir()}
    both = sorted(browser.keys() & drawn.keys())
    pixels = np.mean([(browser[name] == drawn[name]).all(axis=2).mean() for name in both])
    recogniser = Recogniser(shipped_model)
    predicted = [
        recogniser.predict(np.stack([side[name] for name in both])).argmax(axis=1) for side in (browser, drawn)
    ]
    same = len(both) - int((predicted[0] != predicted[1]).sum())
    shares = {"equal pixels": pixels, "equal predictions": same / len(browser.keys() | drawn.keys())}
    print(printed, shares, len(both), len(browser), len(drawn))  # noqa: T201 - the figures, with `pytest -s`
    assert len(drawn) > 50
    assert sum("grey" in name for name in browser) >= 7, "infrared cameras send grey pictures"
    assert shares["equal predictions"] >= 0.99
    assert shares["equal pixels"] >= 0.99


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to open the page in (Debian: apt-get install chromium)")
def test_a_browser_makes_a_word_of_a_real_hand_that_shows_a_double_letter_once(address, shared, tmp_path):
    film = tmp_path / "redwood.mjpeg"
    held = {each["letter"]: each for each in json.loads((shared / "data/helloworld.json").read_text())}
    frames = [frame for each in "REDWOD" for frame in range(held[each]["first_frame"] - EMPTY, held[each]["end_frame"])]
    write_camera(shared / "data/helloworld.mp4", film, frames, black=AWAY)
    run_tests(
        "tests/words.browser.test.ts", FINGERSPELL_URL=address, FINGERSPELL_FILM=str(film), CHROMIUM=CHROMIUM,
        FINGERSPELL_PICTURES=os.environ.get("FINGERSPELL_PICTURES", ""),
    )  # fmt: skip


def write_camera(film, path, frames=None, black=0, rate=15):
    """Write a film of 15 or 30 frames a second in the format of Chromium's fake camera: JPEGs, 30 a second.

    `frames` are those of the film to write, all if there are none; `black` ones come after them.
    """
    capture = cv2.VideoCapture(str(film))
    pictures = []
    while (got := capture.read())[0]:
        pictures.append(got[1])
    pictures = [pictures[frame] for frame in (range(len(pictures)) if frames is None else frames)]
    pictures += black * [np.zeros_like(pictures[0])]
    with path.open("wb") as out:
        for picture in pictures:
            jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
            out.write(30 // rate * jpeg)
