"""Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/): momentum whose update is made orthogonal."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

NEWTON_SCHULZ_STEPS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # theirs: steepest at zero, at the price of singular values of 0.7 to 1.2


class Muon(torch.optim.Optimizer):
    """Updates matrices (m, n), those of one shape all at once.

    `torch.optim.Muon` takes them one by one and in bfloat16, which on a CPU costs more than the rest of a step. Here
    they are stacked, and stay in float32 there. A group's `parts` says how many matrices lie below each other in
    each parameter.
    """

    def __init__(
        self, params: Iterable[dict[str, Any]], *, lr: float, momentum: float, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "parts": 1})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of all that has a gradient."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes.setdefault(parameter.shape, []).append(parameter)
            for parameters in shapes.values():
                self._update(parameters, group)

    def _update(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        """Update parameters of one shape."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        for parameter in parameters:
            if not self.state[parameter]:
                self.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        buffers = [self.state[p]["momentum_buffer"] for p in parameters]
        torch._foreach_lerp_(buffers, gradients, 1 - group["momentum"])
        ahead = torch.stack(torch._foreach_lerp(gradients, buffers, group["momentum"]))  # Nesterov's
        rows, columns = ahead.shape[1] // group["parts"], ahead.shape[2]
        updates = orthogonalize(ahead.view(-1, rows, columns)).view_as(ahead).to(parameters[0].dtype)
        if group["weight_decay"]:
            torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        # so that the change of each output is of one size, whatever the shape
        size = group["lr"] * math.sqrt(max(1, rows / columns))
        torch._foreach_add_(parameters, updates.unbind(), alpha=-size)


def orthogonalize(matrices: Tensor, steps: int = NEWTON_SCHULZ_STEPS) -> Tensor:
    """For each of the matrices (B, m, n) the nearest semi-orthogonal one, nearly, by a quintic Newton-Schulz iteration.

    In bfloat16 on a GPU, which is enough for it and faster there.
    """
    a, b, c = COEFFICIENTS
    x = matrices.bfloat16() if matrices.is_cuda else matrices
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
