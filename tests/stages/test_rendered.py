"""What is kept of the rendering, and the stage that makes raw data sets of it; no mesh is needed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from stages.data.raw import read_raw
from stages.errors import InputError
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import is_synthetic, synthesize_hands
from stages.labels import NOTHING
from stages.params import Render, Synthesize, read_params
from stages.rendered import LANDMARKS, PHOTOGRAPHS, main
from stages.rendering import kept
from stages.rendering.kept import (
    Found,
    Order,
    Photograph,
    read_landmarks,
    read_photographs,
    signer_name,
    write_landmarks,
    write_photographs,
)

ROOT = Path(__file__).resolve().parents[2]


def some_hands(count=6):
    landmarks = np.random.default_rng(0).uniform(-0.5, 0.5, (count, 21, 3)).astype(np.float16)
    landmarks[1] = np.nan
    return Found(
        labels=np.array((["A", "nothing", "Z"] * count)[:count]),
        signers=np.arange(count, dtype=np.int32),
        handedness=np.array((["L", "R"] * count)[:count]),
        rows=np.arange(count, dtype=np.int16) - 1,
        landmarks=landmarks,
    )


def test_kept_landmarks_are_read_as_they_were_written(tmp_path):
    path, order, found = tmp_path / "kept.npz", Order(1, 2, 3, 4), some_hands()
    write_landmarks(path, order, found)
    again, back = read_landmarks(path)
    assert again == order
    for name in ("labels", "signers", "handedness", "rows", "landmarks"):
        np.testing.assert_array_equal(getattr(back, name), getattr(found, name))
    assert back.hands.tolist() == [True, False, True, True, True, True]


def test_damaged_landmarks_are_refused_with_the_file_and_the_next_step(tmp_path):
    path = tmp_path / "kept.npz"
    write_landmarks(path, Order(1, 2, 3, 4), some_hands())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=re.escape(str(path))):
        read_landmarks(path)
    with pytest.raises(InputError, match="missing"):
        read_landmarks(tmp_path / "none.npz")


def test_photographs_keep_label_signer_and_nearly_every_pixel(tmp_path):
    ramp = np.tile(np.arange(64, dtype=np.uint8)[:, None, None], (1, 64, 3)) * np.array([1, 2, 3], np.uint8)
    written = [Photograph("A", signer_name(0, 7), ramp), Photograph(NOTHING, signer_name(0, 8), ramp[::-1])]
    path = tmp_path / "p.zip"
    assert write_photographs(path, written) == 2
    for one, other in zip(written, read_photographs(path), strict=True):
        assert (one.label, one.signer) == (other.label, other.signer)
        assert np.abs(one.picture.astype(int) - other.picture).mean() < 4, "red stays red"
    first = path.read_bytes()
    write_photographs(path, written)
    assert path.read_bytes() == first
    path.write_bytes(first[:-30])
    with pytest.raises(InputError, match="make render"):
        list(read_photographs(path))


def test_rendered_signers_are_no_people():
    assert is_synthetic(np.array([signer_name(3, 12), "synthetic_1_0001", "anna"])).tolist() == [True, True, False]


def test_the_stage_writes_two_raw_data_sets(tmp_path, monkeypatch):
    monkeypatch.setattr(kept.read_landmarks, "__defaults__", (tmp_path / "kept.npz",))
    monkeypatch.setattr(kept.read_photographs, "__defaults__", (tmp_path / "p.zip",))
    monkeypatch.chdir(tmp_path)
    found = some_hands()
    write_landmarks(tmp_path / "kept.npz", Order(5, 6, 1, 1), found)
    picture = np.full((288, 288, 3), 90, np.uint8)
    write_photographs(tmp_path / "p.zip", [Photograph("B", signer_name(5, 6), picture)] * 3)
    main()
    hands = read_raw(LANDMARKS, max_samples=100, max_gib=1)
    assert hands.labels.tolist() == found.labels[found.hands].tolist()
    assert hands.n_photos == 6
    assert hands.signers[1] == "rendered_5_00002"
    shown = hands.landmarks[0] - hands.landmarks[0].mean(axis=0)
    own = found.landmarks[0].astype(np.float32) - found.landmarks[0].astype(np.float32).mean(axis=0)
    np.testing.assert_allclose(shown / 160, own, atol=1e-3)
    pictures = read_raw(PHOTOGRAPHS, max_samples=100, max_gib=1)
    assert pictures.labels.tolist() == ["B"] * 3
    assert pictures.pictures.shape == (3, 288, 288, 3)


@pytest.fixture(scope="module")
def shipped():
    return read_landmarks(ROOT / kept.LANDMARKS)


def test_what_is_shipped_is_what_params_yaml_says(shipped):
    params = read_params(Render, ROOT / "params.yaml")
    order, found = shipped
    assert order == Order(params.seed, params.signers, params.samples_per_letter, params.non_letters)
    assert len(set(found.signers.tolist())) == params.signers
    assert len(found.labels) == params.signers * (24 * params.samples_per_letter + params.non_letters)
    assert found.hands[found.labels != NOTHING].mean() >= 0.93
    photographs = list(read_photographs(ROOT / kept.PHOTOGRAPHS))
    assert len(photographs) == params.pictured * 25
    assert set(found.labels.tolist()) == {each.label for each in photographs}


def test_a_hand_s_source_says_nothing_about_its_label(shipped):
    """A classifier can tell the sources apart, as it can tell two cameras apart; so every label must come from both."""
    params = read_params(Synthesize, ROOT / "params.yaml")
    table = read_handshapes()
    hands = synthesize_hands(table, 100, params.samples_per_letter, params.seed, params.non_letters)
    _, found = shipped
    kept_hands = found.hands
    labels = found.labels[kept_hands]
    for label in {*table.alphabet, NOTHING}:
        kinematic, rendered = (hands.labels == label).mean(), (labels == label).mean()
        assert rendered == pytest.approx(kinematic, rel=0.15), label
    count = len(hands.labels)
    rendered_hands = found.landmarks[kept_hands][:count].astype(np.float32)
    samples = np.concatenate([normalised(hands.landmarks), normalised(rendered_hands)])
    source = np.repeat([0, 1], count)
    rows = np.random.default_rng(0).permutation(2 * count)
    train, test = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(samples[train], source[train])
    auroc = roc_auc_score(source[test], model.predict_proba(samples[test])[:, 1])
    assert auroc == pytest.approx(0.987, abs=0.01), "as docs/rendering.md says; 0.5 would be one source"


def normalised(landmarks):
    low, high = landmarks.min(axis=1, keepdims=True), landmarks.max(axis=1, keepdims=True)
    return ((landmarks - (low + high) / 2) / (high - low)[..., :2].max(axis=2, keepdims=True))[..., :2].reshape(-1, 42)
