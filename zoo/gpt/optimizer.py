"""The optimizers: AdamW for everything, or Muon for the matrices of the blocks and AdamW for the rest."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from zoo.config import TrainConfig
from zoo.gpt.muon import Muon

# what each keeps of a parameter once it has updated it: its shape, or () for a number
STATE: dict[type[torch.optim.Optimizer], tuple[str, ...]] = {
    torch.optim.AdamW: ("step", "exp_avg", "exp_avg_sq"),
    Muon: ("momentum_buffer",),
}


def make_optimizers(model: nn.Module, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """One or two optimizers that share out the model's parameters.

    AdamW (Loshchilov & Hutter 2019) decays what multiplies, matrices and embeddings, and not norms and biases. Under
    Muon the matrices of the blocks are Muon's.
    """
    named = dict(model.named_parameters())
    hidden = {name: p for name, p in named.items() if name.startswith("blocks.") and p.dim() == 2}
    if config.optimizer != "muon":
        hidden = {}
    rest = [p for name, p in named.items() if name not in hidden]
    adamw = torch.optim.AdamW(
        _groups(
            {"params": [p for p in rest if p.dim() >= 2], "weight_decay": config.weight_decay},
            {"params": [p for p in rest if p.dim() < 2], "weight_decay": 0.0},
        ),
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        fused=True,  # one kernel per group instead of a Python loop over tensors, on CPU too
    )
    if not hidden:
        return [adamw]
    # queries, keys and values are three matrices that lie in one
    parts = {name: 3 if name.endswith("qkv.weight") else 1 for name in hidden}
    muon = Muon(
        [{"params": [p for name, p in hidden.items() if parts[name] == n], "parts": n} for n in (1, 3)],
        lr=config.matrix_learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
    )
    return [adamw, muon]


def _groups(*groups: dict[str, Any]) -> list[dict[str, Any]]:
    return [group for group in groups if group["params"]]


def scale_learning_rates(optimizers: Iterable[torch.optim.Optimizer], factor: float) -> None:
    """Set every step size to this share of its peak."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = optimizer.defaults["lr"] * factor


def state_of(optimizers: Iterable[torch.optim.Optimizer], model: nn.Module) -> dict[str, Tensor]:
    """Everything the optimizers remember, as `<state>.<parameter>`."""
    return {
        f"{key}.{name}": value
        for optimizer in optimizers
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def restore_state(optimizers: Iterable[torch.optim.Optimizer], model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Give each parameter back what `state_of` said of it. Raises ValueError unless that is all of it, or nothing as
    before the first step."""
    places = _places(optimizers, model)
    expected = {key: () if key.startswith("step.") else tuple(place[1].shape) for key, place in places.items()}
    found = {key: tuple(tensor.shape) for key, tensor in tensors.items() if tensor.is_floating_point()}
    if tensors and (found != expected or len(found) != len(tensors)):
        raise ValueError("the optimizer's state is not that of these parameters")
    for key, tensor in tensors.items():
        optimizer, parameter = places[key]
        optimizer.state[parameter][key.partition(".")[0]] = tensor.to(parameter.device)


def _places(
    optimizers: Iterable[torch.optim.Optimizer], model: nn.Module
) -> dict[str, tuple[torch.optim.Optimizer, nn.Parameter]]:
    """Whose each `<state>.<parameter>` is."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {
        f"{state}.{names[parameter]}": (optimizer, parameter)
        for optimizer in optimizers
        for group in optimizer.param_groups
        for parameter in group["params"]
        for state in STATE[type(optimizer)]
    }
