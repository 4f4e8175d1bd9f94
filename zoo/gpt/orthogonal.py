"""The Newton-Schulz iteration at the heart of Muon."""

import torch
from torch import Tensor

STEPS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # Muon's: steepest at zero, at the price of singular values of 0.7 to 1.2


def orthogonalize(matrices: Tensor) -> Tensor:
    """For each of the matrices (B, m, n) the nearest semi-orthogonal one, nearly. bfloat16 is enough for it."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
