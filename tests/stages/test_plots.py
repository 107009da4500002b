"""Pictures are decoded again and looked at: right size, not blank, and different where the numbers differ."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

from stages.evaluation import plots, scores

LETTERS = tuple("ABCDEFGHIKLMNOPQRSTUVWXY")


def predictions(right_by):
    generator = np.random.default_rng(3)
    true = np.arange(240) % 24
    logits = generator.normal(size=(240, 24))
    logits[np.arange(240), true] += right_by
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True), true


def table(right_by):
    probabilities, true = predictions(right_by)
    names = np.array(LETTERS)
    return scores.confusion(names[true], names[probabilities.argmax(axis=1)], LETTERS, LETTERS)


def reliability(right_by):
    probabilities, true = predictions(right_by)
    return scores.reliability(probabilities.max(axis=1), probabilities.argmax(axis=1) == true, 15)


def confusion(right_by):
    return plots.plot_confusion(table(right_by), "title")


def calibration(right_by):
    return plots.plot_calibration(reliability(right_by), "title")


def letters(right_by):
    return plots.plot_letters(scores.letter_scores(*predictions(right_by), LETTERS), 0.5, "title")


def curves(right_by):
    epochs = np.arange(6.0)
    gaps = np.where(epochs % 2 == 0, np.nan, right_by / 10)
    columns = dict.fromkeys(("val_loss", "val_accuracy"), gaps)
    columns |= dict.fromkeys(("train_loss", "train_accuracy"), epochs / 6)
    columns |= {"epoch": epochs, "image_size": np.repeat([64.0, 224.0], 3)}
    return plots.plot_curves(pd.DataFrame(columns), "title")


def mistakes(right_by):
    masks = np.full((7, 224, 224, 3), right_by * 20, dtype=np.uint8)
    return plots.plot_mistakes(masks, [f"true A\npredicted B  0.{row}" for row in range(7)], "title")


def picture(png):
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert decoded is not None, "not a PNG"
    return decoded


@pytest.mark.parametrize(
    ("draw", "least_height", "least_width"),
    [
        (confusion, 900, 900),
        (calibration, 500, 500),
        (letters, 400, 1000),
        (curves, 400, 1000),
        (mistakes, 450, 1000),
    ],
)
def test_picture_is_large_drawn_on_and_depends_on_its_numbers(draw, least_height, least_width):
    weak, strong = picture(draw(2)), picture(draw(8))
    assert weak.shape[0] >= least_height
    assert weak.shape[1] >= least_width
    assert (weak != 255).any(axis=2).mean() > 0.01, "almost blank"
    assert weak.shape == strong.shape
    assert (weak != strong).any(), "the numbers change nothing"


def test_the_same_numbers_give_the_same_bytes():
    assert confusion(2) == confusion(2)


def test_a_diagonal_is_dark_and_the_rest_is_light():
    image = picture(plots.plot_confusion(pd.DataFrame(np.eye(24, dtype=int) * 10, LETTERS, LETTERS), "title")).astype(
        int
    )
    blue = (image[..., 2] - image[..., 0] > 60).mean()
    assert 0.01 < blue < 0.08, "24 of 576 cells, and the colour bar, are blue"


def test_no_mistakes_is_said_in_the_picture():
    empty = picture(plots.plot_mistakes(np.zeros((0, 224, 224, 3), np.uint8), [], "title"))
    assert (empty < 128).any()


@pytest.mark.parametrize("epochs", [1, 2])
def test_short_trainings_can_be_drawn(epochs):
    columns = ("epoch", "image_size", "train_loss", "val_loss", "train_accuracy", "val_accuracy")
    picture(plots.plot_curves(pd.DataFrame({name: np.arange(1.0, epochs + 1) for name in columns}), "title"))


def test_one_class_can_be_drawn():
    picture(plots.plot_confusion(pd.DataFrame({"A": [3]}, ["A"]), "title"))
