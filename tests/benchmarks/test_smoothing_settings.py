"""The benchmark of smoothing: films are what they say, scores count what they name, and a choice follows its rule."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import smoothing as bench
from benchmarks.smoothing_plot import draw_stream
from benchmarks.spelling_films import Shown, spell
from benchmarks.streams import (
    THINNED,
    WORDS,
    Stream,
    hold_on,
    real_film,
    record,
    synthetic_films,
    thin,
    unseen_signer_films,
)
from benchmarks.votes import (
    Spelling,
    by_majority,
    by_mean,
    doubles,
    edit_distance,
    means,
    only_after,
    score,
    summarise,
)
from service.smoothing import SmoothingParameters
from stages.errors import PipelineError
from stages.evaluation.networks import load_network
from stages.hand.handshapes import read_handshapes
from tests.client.phone_film import retime, write_video
from tests.stages.tiny_models import CLASSES, write_network

LETTERS = ("A", "B", "L", "nothing")
PLAIN = SmoothingParameters(threshold=0.5, window=5, hold=0.3, release=0.3)


def stream_of(shown: str, kind="unseen signers", signer="one", sure=0.9) -> Stream:
    """Show a character a frame, 10 a second: '.' no hand, '-' no letter, a small letter is predicted as A."""
    probabilities = np.full((len(shown), len(LETTERS)), (1 - sure) / 3, np.float32)
    letters = []
    for index, one in enumerate(shown):
        if one == ".":
            probabilities[index] = np.nan
            continue
        label = "nothing" if one == "-" else "A" if one.islower() else one
        probabilities[index, LETTERS.index(label)] = sure
        if one.isalpha() and (not index or shown[index - 1].upper() != one.upper()):
            end = next((i for i in range(index, len(shown)) if shown[i].upper() != one.upper()), len(shown))
            letters.append(Shown(one.upper(), index / 10, end / 10))
    return Stream(kind, signer, LETTERS, np.arange(len(shown)) / 10, probabilities, tuple(letters))


WORD = stream_of("AAAAAAAA.....LLLLLLLL.....LLLLLLLL---BBBBBBBB...")


@pytest.fixture
def small_grid(monkeypatch):
    for name, values in {"THRESHOLDS": (0.5,), "WINDOWS": (3, 5), "HOLDS": (0.2, 0.3, 0.4), "RELEASES": (0.3,)}.items():
        monkeypatch.setattr(bench, name, values)
    axes = {"threshold": (0.5,), "window": (3, 5), "hold": (0.2, 0.3, 0.4), "release": (0.3,)}
    monkeypatch.setattr(bench, "AXES", axes)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    write_network(path)
    return path


def test_a_film_is_its_seeds_and_shows_its_words_in_order():
    table = read_handshapes()
    film, again, other = (spell(table, ["HELLO", "WAX"], seed, rate=10) for seed in (3, 3, 4))
    assert np.array_equal(film.landmarks, again.landmarks, equal_nan=True)
    assert len(other.times) != len(film.times)
    assert "".join(shown.letter for shown in film.letters) == "HELLOWAX"
    assert all(before.end < after.begin for before, after in zip(film.letters, film.letters[1:], strict=False))
    assert film.letters[-1].end < film.times[-1]
    hand = ~np.isnan(film.landmarks).any(axis=(1, 2))
    shown = np.any([(one.begin <= film.times) & (film.times < one.end) for one in film.letters], axis=0)
    assert hand[shown].mean() > 0.9
    assert not hand[film.times < 0.5].any()


def test_a_held_letter_stays_near_its_pose_and_a_move_does_not():
    film = spell(read_handshapes(), ["AB"], seed=1, rate=30)
    hand = film.landmarks - film.landmarks[:, :1]
    extent = np.nanmax(np.linalg.norm(hand, axis=2))
    a, b = (np.nanmedian(hand[(one.begin <= film.times) & (film.times < one.end)], axis=0) for one in film.letters)
    middle = hand[(film.letters[0].begin <= film.times) & (film.times < film.letters[0].end)]
    assert np.nanmedian(np.linalg.norm(middle - a, axis=2)) < 0.1 * extent
    assert np.linalg.norm(a - b, axis=1).max() > 0.3 * extent


def test_every_word_has_a_handshape_for_each_letter():
    assert set("".join(WORDS)) == set(read_handshapes().alphabet)


def test_slower_cameras_see_fewer_frames_of_the_same_letters():
    whole = stream_of("AAAAAABBBBBB" * 10, kind="synthetic")
    by_kind = {stream.kind: stream for stream in thin([whole])}
    assert list(by_kind) == [f"synthetic, {name}" for name in THINNED]
    assert [len(stream.times) for stream in by_kind.values()][:3] == [120, 60, 40]
    steps = np.diff(by_kind["synthetic, uneven"].times)
    assert steps.min() == pytest.approx(0.1)
    assert steps.max() == pytest.approx(0.4)
    assert all(stream.letters == whole.letters for stream in by_kind.values())


def test_a_letter_is_held_on_by_its_own_frames():
    first, second, *_ = hold_on(stream_of("AAAa..LL"))
    assert [letter for letter, _, _ in first.predictions] == list("AAAA" * 5)
    assert [letter for letter, _, _ in second.predictions] == list("LL" * 5)
    assert first.times == pytest.approx(np.arange(20) / 10)
    assert [shown.letter for shown in first.letters] == ["A"]


def test_a_network_predicts_the_frames_with_a_hand(network):
    films = synthetic_films(1)
    (stream,) = record(load_network(network), films)
    (film,) = films.values()
    assert stream.classes == CLASSES
    assert np.array_equal(np.isnan(stream.probabilities[:, 0]), np.isnan(film.landmarks[:, 0, 0]))
    assert [letter is None for letter, _, _ in stream.predictions] == np.isnan(film.landmarks[:, 0, 0]).tolist()


def test_photographs_of_unseen_signers_follow_one_another(tmp_path):
    points = np.random.default_rng(0).uniform(10, 90, size=(8, 21, 3)).astype(np.float32)
    np.savez(tmp_path / "people.npz", landmarks=points, labels=list("AABBAABB"), signers=list("xxxxyyyy"))
    films = unseen_signer_films([tmp_path / "people.npz"])
    assert list(films) == [("unseen signers", "people 0"), ("unseen signers", "people 1")]
    for film in films.values():
        assert sorted(shown.letter for shown in film.letters) == ["A", "B"]
        assert np.isnan(film.landmarks[:7]).all()
        assert not np.isnan(film.landmarks[8:]).any()


def test_a_film_without_its_letters_says_so(tmp_path):
    with pytest.raises(PipelineError, match=r"film\.json.*Write one next to the film"):
        real_film(tmp_path / "film.mp4")


def test_letters_of_a_film_have_the_times_of_their_frames(tmp_path):
    path = write_video(tmp_path / "film.mp4", [np.zeros((48, 64, 3), np.uint8)] * 4, 10)
    retime(path, [0.1, 0.5, 0.2, 0.2])
    (tmp_path / "film.json").write_text('[{"letter": "H", "first_frame": 1, "end_frame": 3}]')
    (film,) = real_film(path).values()
    assert film.times == pytest.approx([0.0, 0.1, 0.6, 0.8])
    assert [(shown.letter, shown.begin, shown.end) for shown in film.letters] == [("H", 0.1, pytest.approx(0.8))]
    (tmp_path / "film.json").write_text('[{"letter": "H", "first_frame": 1, "end_frame": 9}]')
    with pytest.raises(PipelineError, match="no list of letters"):
        real_film(path)


@pytest.mark.parametrize(
    ("text", "truth", "edits"),
    [("", "", 0), ("", "AB", 2), ("AB", "", 2), ("HELO", "HELLO", 1), ("HXLLO", "HELLO", 1), ("OLLEH", "HELLO", 4)],
)
def test_edit_distance(text, truth, edits):
    assert edit_distance(text, truth) == edits


def test_both_votes_spell_a_clear_stream():
    assert [letter for letter, _ in by_majority(WORD, PLAIN).commits] == list("ALLB")
    assert by_mean(WORD, means(WORD, PLAIN.window, PLAIN.release), PLAIN) == by_majority(WORD, PLAIN)


@pytest.mark.parametrize(
    ("between", "labels", "kept"),
    [
        ("......", (None,), 2),
        ("------", (None,), 1),
        ("------", (None, "nothing"), 2),
        ("..--..", (None, "nothing"), 2),
        ("..AA..", (None, "nothing"), 1),
    ],
)
def test_a_stricter_release_keeps_fewer_repeats(between, labels, kept):
    stream = stream_of("L" * 8 + between + "L" * 8)
    spelling = by_majority(stream, PLAIN)
    assert [letter for letter, _ in spelling.commits] == ["L", "L"]
    assert len(only_after(stream, spelling, labels, PLAIN.release).commits) == kept


def test_a_score_counts_what_it_names():
    spelling = Spelling(["A", None, "A", "L", None, "B"], [("A", 0.3), ("A", 0.5), ("L", 1.6), ("B", 3.0), ("B", 4.0)])
    scored = score(WORD, spelling)
    assert scored.delays == (0.3, pytest.approx(0.3), None, pytest.approx(0.3))
    assert (scored.false_commits, scored.edits, scored.flickers) == (2, 2, 0)
    assert score(WORD, replace(spelling, smoothed=["A", None] * 9)).flickers == 5
    assert doubles([WORD], [scored]) == (0, 1)
    together = summarise([WORD, WORD], [scored, scored])
    assert together["error"] == 0.5
    assert together["false_commits"] == pytest.approx(60 * 2 / WORD.seconds)
    assert together["median"] == pytest.approx(0.3)


HASTY = stream_of(("L" * 8 + "." * 6 + "bbbb" + "." * 6) * 4)
"""The wrong A does not last."""


def test_a_choice_takes_the_fastest_of_those_with_fewest_errors(small_grid):
    assert bench.choose([WORD], bench.sweep([WORD])[0]).hold == 0.2
    assert bench.choose([HASTY], bench.sweep([HASTY])[0]).hold == 0.4


def test_the_defaults_are_on_the_grid_inside_its_edges():
    default = SmoothingParameters()
    assert len(bench.neighbours(default)) == 2 * len(bench.AXES)


def test_a_setting_that_does_not_spell_the_real_film_or_is_next_to_one_is_not_chosen(small_grid):
    streams = [HASTY, stream_of("A" * 8 + "L" * 6 + "B" * 8, kind="real film")]
    rows, _ = bench.sweep(streams)
    (wrong,) = [row.parameters for row in rows if not bench.spells_film(streams, row)]
    assert wrong.hold == 0.4
    chosen = bench.choose(streams, rows)
    assert chosen != wrong
    assert chosen not in bench.neighbours(wrong)


def test_if_no_setting_spells_the_real_film_the_other_streams_decide(small_grid):
    unspelled = stream_of("A.L.A.L", kind="real film")
    assert bench.choose([WORD, unspelled], bench.sweep([WORD, unspelled])[0]).hold == 0.2


def test_an_interval_is_around_its_difference():
    streams = [replace(WORD, signer=str(number)) for number in range(6)]
    good = score(WORD, by_majority(WORD, PLAIN))
    bad = replace(good, edits=1)
    one, other = bench.Row(PLAIN, (bad, bad, bad, good, good, good)), bench.Row(PLAIN, (good,) * 6)
    difference, low, high = bench.interval(streams, one, other)
    assert difference == pytest.approx(3 / 24)
    assert 0 <= low < difference < high <= 1 / 4
    assert bench.interval(streams, one, one) == [0.0, 0.0, 0.0]


def test_a_report_has_all_kinds_in_100_columns(small_grid):
    film = stream_of("AAAAAAAA.....LLLLLLLL", kind="real film")
    streams = [*thin([replace(WORD, kind="synthetic")]), film, WORD]
    report = bench.measure(streams)
    text = bench.as_text(report)
    assert max(map(len, text.splitlines())) <= 100
    assert all(kind in text for kind in {stream.kind for stream in streams})
    assert report["film"] == ["AL"]
    assert json.loads(json.dumps(report)) == report


def test_the_command_prints_the_tables_and_writes_report_and_picture(
    small_grid, network, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(bench, "REPORT", tmp_path / "reports/bench_smoothing.json")
    monkeypatch.setattr(bench, "FILM", tmp_path / "none.mp4")
    picture = tmp_path / "stream.png"
    arguments = ["--model", str(network), "--signers", "1", "--picture", str(picture)]
    monkeypatch.setattr("sys.argv", ["smoothing", *arguments])
    bench.main()
    assert bench.as_text(json.loads(bench.REPORT.read_text())) == capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_without_a_model_the_command_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["smoothing", "--model", str(tmp_path / "model.onnx")])
    with pytest.raises(PipelineError, match=r"model\.onnx: there is no model.*MODEL="):
        bench.main()


def test_a_picture_of_an_unknown_letter_is_drawn(tmp_path):
    draw_stream(stream_of("BBBB--bbbb..LLLL"), PLAIN, tmp_path / "stream.png")
    assert (tmp_path / "stream.png").stat().st_size > 1000
