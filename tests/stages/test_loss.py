"""The loss: letters for every network, landmarks as well for CustomCNN."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from stages.models.build import build_network
from stages.models.custom_cnn import LANDMARK_WEIGHT

CLASSES = torch.tensor([0, 2])


@pytest.fixture
def masks():
    return torch.rand(2, 3, 56, 56, generator=torch.Generator().manual_seed(0))


def built(architecture):
    torch.manual_seed(0)
    return build_network(architecture, classes=3, dropout=0.0).eval()


def weighted(losses):
    by_features, by_landmarks = losses
    return 0.6 * by_features + 1.4 * by_landmarks


def test_landmarks_count_in_addition_to_the_letters(masks):
    network = built("custom_cnn")
    *heads, located = (each.detach() for each in network.run_heads(masks))
    plain = weighted(functional.cross_entropy(logits, CLASSES) for logits in heads)
    right, logits = network.training_loss(masks, CLASSES, located)
    torch.testing.assert_close(right, plain)
    torch.testing.assert_close(logits, network(masks))
    # A tenth of the mask is in the linear part of the loss, which is the error less half of LANDMARK_BETA.
    wrong, _ = network.training_loss(masks, CLASSES, located + 0.1)
    torch.testing.assert_close(wrong - plain, torch.tensor(LANDMARK_WEIGHT * (0.1 - 0.025)))


@pytest.mark.parametrize("architecture", ["custom_cnn", "resnet18"])
def test_only_letters_count_if_landmarks_are_unknown_or_not_predicted(architecture, masks):
    network = built(architecture)
    landmarks = torch.zeros(2, 0 if architecture == "custom_cnn" else 21, 2)
    loss, logits = network.training_loss(masks, CLASSES, landmarks)
    torch.testing.assert_close(logits, network(masks))
    heads = network.run_heads(masks)[:2] if architecture == "custom_cnn" else [logits]
    losses = [functional.cross_entropy(each, CLASSES) for each in heads]
    torch.testing.assert_close(loss, weighted(losses) if len(losses) == 2 else losses[0])


@pytest.mark.slow
def test_training_learns_landmarks_and_letters_give_them_gradients(masks):
    network = built("custom_cnn")
    loss, _ = network.training_loss(masks, CLASSES, torch.zeros(2, 0, 2))
    loss.backward()
    assert all(layer.weight.grad.abs().max() > 0 for layer in network.maps.layers)
    truth = torch.rand(2, 21, 2, generator=torch.Generator().manual_seed(1)) * 0.6 + 0.2
    optimiser = torch.optim.Adam(network.parameters(), 0.005)
    before = (network.run_heads(masks)[2] - truth).abs().mean()
    for _ in range(60):
        optimiser.zero_grad()
        network.training_loss(masks, CLASSES, truth)[0].backward()
        optimiser.step()
    assert (network.run_heads(masks)[2] - truth).abs().mean() < 0.3 * before
