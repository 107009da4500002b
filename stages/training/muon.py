"""Muon: Adam, except that matrices move by orthogonal steps, which reach the same loss in fewer views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from stages.models.build import output_layers

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENTUM = 0.95
STEPS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Newton-Schulz iteration of fifth order: its steps and factors, as published."""
RATIO = 20.0
"""Learning rate of the matrices, times that of Adam: 0.02 beside 0.001."""
LEAST_SIDE = 16
"""Shortest side of a matrix; a depthwise filter of nine weights, for one, is none."""


class Muon(torch.optim.Adam):
    """Orthogonalised momentum for the matrices of a network, Adam for everything else.

    Matrices are the weights of convolutions, flattened to (output channels, rest), and of linear layers; layers
    whose rows are labels are left to Adam as biases and norms are. Jordan et al. 2024,
    https://kellerjordan.github.io/posts/muon. PyTorch's own class takes two-dimensional weights alone and computes in
    bfloat16, which processors without it do slowly.
    """

    def __init__(self, network: torch.nn.Module, lr: float) -> None:
        """Take the parameters of a network.

        Args:
            network: its last linear layer, and any other as wide, gives logits.
            lr: learning rate of Adam; that of the matrices is in a fixed ratio to it.
        """
        outputs = {id(layer.weight) for layer in output_layers(network).values()}
        weights = [p for p in network.parameters() if p.ndim > 1 and id(p) not in outputs]
        matrices = [p for p in weights if min(len(p), p[0].numel()) >= LEAST_SIDE]
        chosen = {id(p) for p in matrices}
        others = [p for p in network.parameters() if id(p) not in chosen]
        groups: list[dict[str, Any]] = [{"params": others}, {"params": matrices, "lr": lr * RATIO, "orthogonal": True}]
        super().__init__(groups, lr=lr)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # noqa: ANN401 - Adam's own signature
        """Move every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"] if group.get("orthogonal") else ():
                if parameter.grad is not None:
                    self._move(parameter, group["lr"])
                    parameter.grad = None  # so that Adam leaves it alone
        super().step()
        return loss

    def _move(self, matrix: torch.Tensor, lr: float) -> None:
        assert matrix.grad is not None  # noqa: S101 - checked by the caller
        state = self.state[matrix]
        if not state:
            # Adam wants a step in every state that it loads.
            state.update(step=torch.zeros(()), momentum=torch.zeros_like(matrix))
        momentum: torch.Tensor = state["momentum"]
        momentum.lerp_(matrix.grad, 1.0 - MOMENTUM)
        ahead = matrix.grad.lerp(momentum, MOMENTUM)  # Nesterov's momentum
        direction = orthogonalise(ahead.flatten(1))
        rows, columns = direction.shape
        matrix.add_(direction.view_as(matrix), alpha=-lr * max(1.0, rows / columns) ** 0.5)


def orthogonalise(matrix: torch.Tensor) -> torch.Tensor:
    """Bring the singular values of a matrix (R, C) near 1, to between 0.7 and 1.2, and keep its directions.

    Every step multiplies by a polynomial of the small Gram matrix, so these are multiplied with each other, and once
    with the large matrix: a third of the work of doing so in each step.
    """
    first, second, third = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    flat: torch.Tensor = matrix.T if tall else matrix
    flat = flat / (flat.norm() + 1e-7)
    gram = flat @ flat.T
    factor = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    for _ in range(STEPS):
        step = second * gram + third * gram @ gram
        step.diagonal().add_(first)
        factor, gram = step @ factor, step @ gram @ step
    flat = factor @ flat
    return flat.T if tall else flat
