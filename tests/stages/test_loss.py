"""The loss: letters for every network, landmarks too for one that finds them."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from stages.models.build import build_network
from stages.training.loss import LANDMARK_WEIGHT, training_loss

CLASSES = torch.tensor([0, 2])


@pytest.fixture
def masks():
    return torch.rand(2, 3, 56, 56, generator=torch.Generator().manual_seed(0))


def built(architecture):
    torch.manual_seed(0)
    return build_network(architecture, classes=3, dropout=0.0).eval()


def test_landmarks_count_beside_the_letters(masks):
    network = built("custom_cnn")
    *readings, found = (each.detach() for each in network.read(masks))
    plain = sum(functional.cross_entropy(logits, CLASSES) for logits in readings)
    right, logits = training_loss(network, masks, CLASSES, found)
    torch.testing.assert_close(right, plain)
    torch.testing.assert_close(logits, network(masks))
    # An error of a tenth of the mask counts in full, less half the error up to which it counts by its square.
    wrong, _ = training_loss(network, masks, CLASSES, found + 0.1)
    torch.testing.assert_close(wrong - plain, torch.tensor(LANDMARK_WEIGHT * (0.1 - 0.025)))


@pytest.mark.parametrize("architecture", ["custom_cnn", "resnet18"])
def test_letters_alone_where_landmarks_are_unknown_or_not_looked_for(architecture, masks):
    network = built(architecture)
    landmarks = torch.zeros(2, 0 if architecture == "custom_cnn" else 21, 2)
    loss, logits = training_loss(network, masks, CLASSES, landmarks)
    torch.testing.assert_close(logits, network(masks))
    readings = network.read(masks)[:2] if architecture == "custom_cnn" else [logits]
    torch.testing.assert_close(loss, sum(functional.cross_entropy(each, CLASSES) for each in readings))


def test_training_finds_the_landmarks_and_the_letters_pull_at_them(masks):
    network = built("custom_cnn")
    loss, _ = training_loss(network, masks, CLASSES, torch.zeros(2, 0, 2))
    loss.backward()
    assert all(layer.weight.grad.abs().max() > 0 for layer in network.by_landmarks.maps.layers)
    truth = torch.rand(2, 21, 2, generator=torch.Generator().manual_seed(1)) * 0.6 + 0.2
    optimiser = torch.optim.Adam(network.parameters(), 0.005)
    before = (network.read(masks)[2] - truth).abs().mean()
    for _ in range(60):
        optimiser.zero_grad()
        training_loss(network, masks, CLASSES, truth)[0].backward()
        optimiser.step()
    assert (network.read(masks)[2] - truth).abs().mean() < 0.3 * before
