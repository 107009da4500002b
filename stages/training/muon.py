"""Muon: Adam, but with orthogonal updates of matrices, which reach the same loss with fewer samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from stages.models.build import output_layers

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENTUM = 0.95
STEPS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Newton-Schulz iteration of fifth order: number of steps and coefficients, as published."""
RATIO = 20.0
"""Learning rate of the matrices relative to Adam's: 0.02 for 0.001."""
LEAST_SIDE = 16
"""Shortest side of what counts as a matrix; a depthwise filter of nine weights does not."""


class Muon(torch.optim.Adam):
    """Orthogonalised momentum for the matrices of a network, Adam for everything else.

    Matrices are the weights of convolutions, flattened to (output channels, rest), and of linear layers; Adam updates
    the layers whose rows are labels, biases and norms. Jordan et al. 2024, https://kellerjordan.github.io/posts/muon.
    PyTorch's own class takes two-dimensional weights only and computes in bfloat16, which is slow without bfloat16
    units.
    """

    def __init__(self, network: torch.nn.Module, lr: float) -> None:
        """Sort the parameters of a network into matrices and others.

        Args:
            network: its last linear layer, and any other of the same width, gives logits.
            lr: learning rate of Adam; that of the matrices is a fixed multiple of it.
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
        """Update every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"] if group.get("orthogonal") else ():
                if parameter.grad is not None:
                    self._update(parameter, group["lr"])
                    parameter.grad = None  # so that Adam skips it
        super().step()
        return loss

    def _update(self, matrix: torch.Tensor, lr: float) -> None:
        assert matrix.grad is not None  # noqa: S101 - checked by the caller
        state = self.state[matrix]
        if not state:
            # Adam expects a step in every state that it loads.
            state.update(step=torch.zeros(()), momentum=torch.zeros_like(matrix))
        momentum: torch.Tensor = state["momentum"]
        momentum.lerp_(matrix.grad, 1.0 - MOMENTUM)
        ahead = matrix.grad.lerp(momentum, MOMENTUM)  # Nesterov's momentum
        direction = orthogonalise(ahead.flatten(1))
        rows, columns = direction.shape
        matrix.add_(direction.view_as(matrix), alpha=-lr * max(1.0, rows / columns) ** 0.5)


def orthogonalise(matrix: torch.Tensor) -> torch.Tensor:
    """Bring the singular values of a matrix (R, C) to between 0.7 and 1.2, and keep its singular vectors.

    Each step multiplies by a polynomial of the small Gram matrix. The polynomials are multiplied first, and the large
    matrix only once, which takes a third of the work.
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
