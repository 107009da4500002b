"""Muon updates matrices by orthogonal steps and leaves the rest to Adam."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from stages.models.build import NETWORKS, build_network
from stages.training.muon import COEFFICIENTS, RATIO, STEPS, Muon, orthogonalise


@pytest.mark.parametrize("shape", [pytest.param((32, 200), id="wide"), pytest.param((200, 32), id="tall")])
def test_singular_values_come_near_one_and_directions_stay(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ orthogonalise(matrix) @ right.T
    assert torch.linalg.svdvals(orthogonalise(matrix)).min() > 0.6
    assert torch.linalg.svdvals(orthogonalise(matrix)).max() < 1.3
    assert (found - found.diag().diag()).abs().max() < 1e-3


@pytest.mark.parametrize("shape", [pytest.param((32, 200), id="wide"), pytest.param((200, 32), id="tall")])
def test_the_iteration_is_that_of_the_publication(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    expected = (matrix if shape[0] < shape[1] else matrix.T) / matrix.norm()
    for _ in range(STEPS):
        gram = expected @ expected.T
        expected = COEFFICIENTS[0] * expected + (COEFFICIENTS[1] * gram + COEFFICIENTS[2] * gram @ gram) @ expected
    assert torch.allclose(orthogonalise(matrix), expected if shape[0] < shape[1] else expected.T, atol=1e-5)


@pytest.mark.parametrize("architecture", NETWORKS)
def test_the_output_layer_norms_biases_and_depthwise_filters_are_adams(architecture):
    network = build_network(architecture, 25, 0.1)
    others, matrices = (group["params"] for group in Muon(network, 0.001).param_groups)
    names = {id(p): name for name, p in network.named_parameters()}
    assert {id(p) for p in others} | {id(p) for p in matrices} == set(names)
    assert all(p.ndim > 1 and p[0].numel() > 9 for p in matrices)
    assert any(id(p) == id(list(network.modules())[-1].weight) for p in others)
    convolutions = [
        m for m in network.modules() if isinstance(m, nn.Conv2d) and m.groups == 1 and min(m.weight.shape[:2]) >= 16
    ]
    assert {id(m.weight) for m in convolutions} <= {id(p) for p in matrices}


def test_what_has_no_gradient_stays_and_the_rest_goes_on_from_a_saved_state():
    def step(network, optimiser):
        optimiser.zero_grad()
        network(torch.ones(2, 20)).square().sum().backward()
        optimiser.step()

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(20, 30), nn.Linear(30, 40), nn.Linear(40, 3))
    network[0].requires_grad_(False)
    before = [p.clone() for p in network.parameters()]
    optimiser = Muon(network, 0.001)
    step(network, optimiser)
    moved = [not torch.equal(p, old) for p, old in zip(network.parameters(), before, strict=True)]
    assert moved == [False, False, True, True, True, True]
    turned = network[1].weight - before[2]
    assert torch.linalg.matrix_norm(turned, 2) < 1.3 * 0.001 * RATIO * (40 / 30) ** 0.5
    again = nn.Sequential(nn.Linear(20, 30), nn.Linear(30, 40), nn.Linear(40, 3))
    again.load_state_dict(network.state_dict())
    again[0].requires_grad_(False)
    restored = Muon(again, 0.5)
    restored.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    step(network, optimiser)
    step(again, restored)
    assert all(torch.equal(p, q) for p, q in zip(network.parameters(), again.parameters(), strict=True))
