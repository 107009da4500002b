"""Pictures of scores on unseen signers are decoded and looked at: large, drawn on, different if the numbers differ."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest
from tiny_models import predictions

from stages.evaluation import signer_plots
from stages.evaluation.pictures import draw_signers
from stages.evaluation.predictions import SignerPredictions
from stages.evaluation.signer_report import score_networks
from stages.evaluation.signer_scores import score_signers
from stages.params import Test

LETTERS = tuple("ABCDEFGHIKLMNOPQRSTUVWXY")
PARAMS = Test(seed=1, signers=1, samples_per_letter=1, non_letters=1, threshold=0.5, calibration_bins=10, mistakes=4)
PICTURES = ("sources", "letters", "detection", "confusion", "selection", "calibration", "mistakes")


def source(share, seed, signers, n_photos):
    generator = np.random.default_rng(seed)
    shown = np.repeat(LETTERS, 10)
    right = generator.random(len(shown)) < share
    predicted = np.where(right, shown, generator.choice(LETTERS, len(shown)))
    confidence = np.where(right, 0.9, 0.6) * generator.uniform(0.5, 1, len(shown))
    return predictions(shown, predicted, n_photos, generator.choice(signers, len(shown)), confidence)


def report(share):
    given = {
        name: SignerPredictions(
            {
                "one": source(share - less, 1, ["x"], int(350 - 100 * share)),
                "two": source(share - less, 2, ["x", "y", "z"], 240),
            },
            predictions("A", "A"),
        )
        for name, less in (("net", 0.0), ("other", 0.2))
    }
    scores = score_networks(given, "net", PARAMS, model_hash="", synthetic=False)
    samples = {name: np.full((240, 224, 224, 3), int(share * 200), np.uint8) for name in ("one", "two")}
    return draw_signers(scores, given, samples, PARAMS)


@pytest.fixture(scope="module")
def reports():
    return report(0.6), report(0.9)


def picture(png):
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert decoded is not None, "not a PNG"
    return decoded


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_large_drawn_on_and_depends_on_its_numbers(reports, name):
    weak, strong = (picture(each[f"{name}.png"]) for each in reports)
    assert min(weak.shape[:2]) >= 200
    assert (weak != 255).any(axis=2).mean() > 0.01, "almost blank"
    assert weak.shape != strong.shape or (weak != strong).any(), "the numbers change nothing"


def test_there_is_every_picture(reports):
    assert set(reports[0]) == {f"{name}.png" for name in PICTURES}
    assert report(0.6) == reports[0], "the same numbers give the same bytes"


def test_a_letter_without_an_interval_and_a_threshold_above_all_can_be_drawn():
    picture(signer_plots.plot_signer_letters(score_signers({"one": predictions("A", "A")}, 0.5, 10), "title"))
    selection = pd.DataFrame({"threshold": [0.4], "coverage": [1.0], "risk": [0.0]})
    picture(signer_plots.plot_selection({"net": selection}, 0.5, "title"))
