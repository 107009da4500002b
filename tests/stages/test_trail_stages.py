"""The trail network's stages, one after the other on little: each reads what the one before wrote."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from client.mask import MASK_SIZE, TRAIL_VERSION
from stages import evaluate_trail, register_trail, test_trail, trails, train_trail
from stages.data.sequences import RawSequences, write_sequences
from stages.data.trails import PLACES, TRAIL_CLASSES, TRAILS, draw_augmented, draw_trails, read_trails, trails_hash
from stages.errors import InputError
from stages.evaluation.moving import TrailReport
from stages.evaluation.networks import load_network, run
from stages.hand.handshapes import read_handshapes
from stages.hand.movements import synthesize_movements
from stages.params import Trail, read_params
from stages.registry.champion import read_champion, read_versions
from stages.registry.trail import CHAMPION_MODEL, TrailRecord, judge

PARAMS = """
movements: {seed: 0, train: 300, validation: 60, test: 80, raw: data/sequences, test_raw: data/test_sequences}
preprocess: {raw: x, validation: 0.1, seed: 0, max_samples: 10000, max_gib: 1.0}
trail: {seed: SEED, architecture: custom_cnn, init: random, image_size: 56, steps: 60, batch_size: 20, lr: 0.002,
        dropout: 0.0, mirror: 0.5, roll: 10.0, stretch: 0.2, scale: 0.2}
register: {experiment: test, model: letters, trail_model: trails}
promote: {confidence: 0.8, letter_fall: 0.15, latency_ms: 33.0, ece: 0.1}
"""


def takes(count=6):
    moved = synthesize_movements(read_handshapes(), 200, 4)
    rows = np.concatenate([np.flatnonzero(moved.labels == letter)[: count // 2] for letter in ("J", "nothing")])
    times = moved.times[rows] - np.nanmin(moved.times[rows], axis=1, keepdims=True)
    # A take has its frames in front; these trails have them at the end.
    first = np.isfinite(moved.times[rows]).argmax(axis=1)
    order = (np.arange(times.shape[1]) + first[:, None]) % times.shape[1]
    return RawSequences(
        np.take_along_axis(moved.landmarks[rows] * 100, order[..., None, None], axis=1),
        np.take_along_axis(times, order, axis=1),
        np.where(moved.labels[rows] == "J", "J", "A"),
        np.array(["anna", "ben"] * (count // 2)),
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder in which all stages have run once, with takes to learn from and to test with."""
    folder, before = tmp_path_factory.mktemp("trail"), Path.cwd()
    os.chdir(folder)
    (folder / "params.yaml").write_text(PARAMS.replace("SEED", "0"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        write_sequences(folder / "data/sequences/own.npz", takes())
        write_sequences(folder / "data/test_sequences/others.npz", takes())
        for stage in (trails, train_trail, evaluate_trail, test_trail, register_trail):
            stage.main()
        yield folder
    os.chdir(before)


@pytest.fixture(autouse=True)
def in_folder(ran, monkeypatch):
    monkeypatch.chdir(ran)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{ran / 'mlflow.db'}")


def test_takes_of_ones_own_are_learned_from():
    assert len(read_trails(TRAILS / "train.npz")) > 300
    kinds = read_trails(TRAILS / "train.npz").kinds[300:]
    assert set(kinds.tolist()) == {"J", "A"}


def test_the_network_has_the_contract_of_a_model_for_trails():
    network = load_network(train_trail.FOLDER / "model.onnx", TRAIL_VERSION)
    assert (network.classes, network.data_hash) == (TRAIL_CLASSES, trails_hash())
    pictures = draw_trails(read_trails(TRAILS / "test.npz"), np.arange(3))
    assert pictures.shape == (3, MASK_SIZE, MASK_SIZE, 3)
    assert np.allclose(run(network, pictures).sum(axis=1), 1.0, atol=1e-5)
    with pytest.raises(InputError, match="trained on masks 'trail-1'"):
        load_network(train_trail.FOLDER / "model.onnx")


def test_the_reports_have_the_numbers_of_all_three_classes():
    metrics = json.loads((evaluate_trail.REPORT / "metrics.json").read_text())
    assert metrics["samples"] == 60
    assert metrics["accuracy"] > 0.5, "it has learned something"
    assert (evaluate_trail.REPORT / "per_letter.csv").read_text().count("\n") == 4
    report = TrailReport.read()
    assert (report.synthetic.trails, set(report.synthetic.recall)) == (80, {"J", "Z"})
    others = report.takes["others"]
    assert (others.signers, others.takes, set(others.recall)) == (2, {"J": 3, "Z": 0, "others": 3}, {"J"})


def test_the_first_one_is_champion_and_the_same_one_again_no_other_version():
    record = TrailRecord.read()
    assert (record.version, record.promoted, record.model) == (1, True, "trails")
    assert CHAMPION_MODEL.read_bytes() == (train_trail.FOLDER / "model.onnx").read_bytes()
    register_trail.main()
    again = TrailRecord.read()
    assert (again.version, again.promoted, again.model_hash) == (1, False, record.model_hash)
    assert len(read_versions("trails")) == 1


def test_another_network_is_registered_and_only_becomes_champion_if_it_is_better(ran):
    kept = {path: path.read_bytes() for path in train_trail.FOLDER.iterdir()}
    (ran / "params.yaml").write_text(PARAMS.replace("SEED", "1").replace("steps: 60", "steps: 2"))
    train_trail.main()
    evaluate_trail.main()
    register_trail.main()
    record, champion = TrailRecord.read(), read_champion("trails")
    assert (record.promoted, record.version, champion.number) == (False, 1, 1)
    assert "within the noise" in record.reasons[0]
    assert len(read_versions("trails")) == 2
    (ran / "params.yaml").write_text(PARAMS.replace("SEED", "0"))
    for path, content in kept.items():
        path.write_bytes(content)


def test_a_network_trained_on_other_trails_is_not_evaluated(ran):
    path = TRAILS / "validation.npz"
    before = path.read_bytes()
    path.write_bytes((TRAILS / "test.npz").read_bytes())
    with pytest.raises(InputError, match="was trained on other data"):
        evaluate_trail.main()
    path.write_bytes(before)


def test_broken_trails_name_the_next_step(tmp_path):
    np.savez(tmp_path / "a.npz", paths=np.zeros((2, 3, 3, 2), np.float32))
    with pytest.raises(InputError, match=r"it holds \['paths'\].*dvc repro trails"):
        read_trails(tmp_path / "a.npz")


def test_augmented_trails_are_other_pictures_with_their_places():
    params, data = read_params(Trail), read_trails(TRAILS / "test.npz")
    rows = np.arange(8)
    pictures, places = draw_augmented(data, rows, 56, params, np.random.default_rng(0))
    again, _ = draw_augmented(data, rows, 56, params, np.random.default_rng(1))
    assert pictures.shape == (8, 56, 56, 3)
    assert places.shape == (8, 3 * PLACES, 2)
    assert 0.0 <= places.min() < places.max() <= 1.0
    assert not np.array_equal(pictures, again)


@pytest.mark.parametrize(("wins", "losses", "better"), [(12, 2, True), (2, 12, False), (5, 4, False), (0, 0, False)])
def test_a_difference_counts_beyond_the_noise(wins, losses, better):
    classes = np.zeros(100, dtype=np.int64)
    right, wrong = np.eye(3)[0], np.eye(3)[1]
    own = np.array([right] * wins + [wrong] * losses + [right] * (100 - wins - losses))
    theirs = np.array([wrong] * wins + [right] * losses + [right] * (100 - wins - losses))
    assert judge(own, theirs, classes, 0.8)[0] == better
