"""The temperature: it lowers the loss, changes no letter, and is what the exported graph divides by."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from scipy import special
from torch import nn

from stages.data.processed import Split
from stages.evaluation.calibration import TEMPERATURES, fit_temperature, mean_with_mirror
from stages.evaluation.scores import cross_entropy, reliability
from stages.export.onnx import export_model
from stages.training.calibration import mirrored_logits


def draw_logits(stated, count=4000, classes=24):
    """Logits of masks and mirror images that are calibrated after division by `stated`, and classes drawn from them."""
    generator = np.random.default_rng(5)
    honest = generator.normal(size=(count, classes)) * 2.5
    shares = special.softmax(honest, axis=1)
    true = (generator.random(count)[:, None] > shares.cumsum(axis=1)).sum(axis=1).clip(max=classes - 1)
    logits = honest + generator.normal(size=(2, count, classes)) * 0.1
    return (logits * stated).astype(np.float32), true


@pytest.mark.parametrize("stated", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(stated):
    logits, true = draw_logits(stated)
    temperature = fit_temperature(logits, true)
    assert temperature == pytest.approx(stated, rel=0.05)
    before, after = mean_with_mirror(logits, 1.0), mean_with_mirror(logits, temperature)
    assert cross_entropy(after, true) <= cross_entropy(before, true)
    assert reliability(after.max(axis=1), after.argmax(axis=1) == true, 15).error < 0.02


@pytest.mark.parametrize("temperature", [*TEMPERATURES, 0.7, 2.0])
def test_no_temperature_changes_a_letter_on_which_mask_and_mirror_image_agree(temperature):
    logits, _ = draw_logits(2.0)
    letters = logits.argmax(axis=2)
    agreed = letters[0] == letters[1]
    assert 0.9 < agreed.mean() < 1, "some pairs disagree, or the test says nothing about them"
    assert (mean_with_mirror(logits, temperature).argmax(axis=1) == letters[0])[agreed].all()
    one_mask = mean_with_mirror(logits[:1], temperature)
    assert (one_mask.argmax(axis=1) == letters[0]).all()


@pytest.mark.parametrize(
    ("logits", "true", "expected"),
    [
        pytest.param([[[2.0, 0.0]] * 4] * 2, [0, 0, 0, 0], TEMPERATURES[0], id="all right: as sure as allowed"),
        pytest.param([[[9.0, 0.0]] * 4] * 2, [1, 1, 1, 1], TEMPERATURES[1], id="all wrong: as unsure as allowed"),
        pytest.param([[[0.0, 0.0]] * 4] * 2, [0, 1, 0, 1], 1.0, id="nothing is better than 1"),
        pytest.param([[[np.nan, 0.0]] * 4] * 2, [0, 1, 0, 1], 1.0, id="a broken network"),
    ],
)
def test_extremes_stay_in_range(logits, true, expected):
    assert fit_temperature(np.array(logits, np.float32), np.array(true)) == pytest.approx(expected, rel=0.01)


class Tiny(nn.Module):
    """Mean colours of the left and the right half, through one layer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(6, 3)

    def embed(self, x):
        half = x.shape[3] // 2
        return torch.cat([x[..., :half].mean((2, 3)), x[..., half:].mean((2, 3))], dim=1)

    def classify(self, features):
        return self.layer(features) * 5

    def forward(self, x):
        return self.classify(self.embed(x))


def test_the_logits_are_those_behind_the_exported_probabilities(tmp_path):
    generator = np.random.default_rng(0)
    masks = np.kron(generator.integers(0, 255, (5, 2, 2, 3)), np.ones((1, 112, 112, 1))).astype(np.uint8)
    split = Split(masks, np.array([0, 1, 2, 0, 1]), np.array([""] * 5))
    logits = mirrored_logits(Tiny(), split, batch_size=2)
    assert logits.shape == (2, 5, 3)
    export_model(
        Tiny(), tmp_path / "model.onnx", classes="ABC", architecture="tiny", data_hash="", examples=masks,
        temperature=2.0,
    )  # fmt: skip
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(["probabilities"], {"masks": masks})
    np.testing.assert_allclose(mean_with_mirror(logits, 2.0), probabilities, atol=1e-5)
