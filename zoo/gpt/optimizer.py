"""The optimizer: AdamW (Loshchilov & Hutter 2019), decaying only what multiplies."""

import torch
from torch import nn

from zoo.config import TrainConfig

STATE = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps of each parameter, once it has updated it


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW over the model's parameters; matrices and embeddings decay, norms and biases do not."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    # fused: one kernel per group instead of a Python loop over tensors, on CPU too
    return torch.optim.AdamW(
        [g for g in groups if g["params"]],
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        fused=True,
    )
