"""The optimizers: AdamW for everything, or Muon for the matrices of the blocks and AdamW for the rest."""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from zoo.config import TrainConfig
from zoo.gpt.orthogonal import orthogonalize

Parameters = dict[str, nn.Parameter]


class Optimizer:
    """What all have in common: they know their parameters, and what they remember of each, by name.

    They are not of `torch.optim.Optimizer`: to make one imports torch's compiler, which takes longer than torch itself.
    """

    STATE: ClassVar[tuple[str, ...]]  # what it remembers of a parameter once it has updated it

    def __init__(self, parameters: Parameters, config: TrainConfig) -> None:
        self.parameters, self.config = parameters, config
        self.state: dict[str, dict[str, Tensor]] = {}

    def step(self, share: float) -> None:
        """One update of every parameter from its gradient, with this share of the peak step size."""
        raise NotImplementedError


class AdamW(Optimizer):
    """AdamW (Loshchilov & Hutter 2019). It decays what multiplies, matrices and embeddings, not norms and biases."""

    STATE = ("step", "exp_avg", "exp_avg_sq")

    @torch.no_grad()
    def step(self, share: float) -> None:
        for decays in (True, False):
            names = [name for name, p in self.parameters.items() if (p.dim() >= 2) == decays]
            if names:
                self._update(names, share, self.config.weight_decay if decays else 0.0)

    def _update(self, names: list[str], share: float, weight_decay: float) -> None:
        parameters: list[Tensor] = [self.parameters[name] for name in names]
        for name, parameter in zip(names, parameters, strict=True):
            if name not in self.state:
                self.state[name] = {key: torch.zeros_like(parameter) for key in ("exp_avg", "exp_avg_sq")}
                self.state[name]["step"] = torch.zeros((), device=parameter.device)
        states, config = [self.state[name] for name in names], self.config
        adamw(
            parameters,
            [p.grad for p in parameters if p.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,  # one kernel instead of a Python loop over tensors, on a CPU too
            amsgrad=False,
            maximize=False,
            lr=config.learning_rate * share,
            beta1=config.beta1,
            beta2=config.beta2,
            eps=1e-8,
            weight_decay=weight_decay,
        )


class Muon(Optimizer):
    """Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/): momentum whose update is made orthogonal.

    `torch.optim.Muon` takes the matrices one by one and always in bfloat16, which on many a CPU costs more than the
    rest of a step. Here those of one shape are stacked, and multiplied in `dtype`.
    """

    STATE = ("momentum_buffer",)

    def __init__(self, parameters: Parameters, config: TrainConfig, dtype: str) -> None:
        super().__init__(parameters, config)
        self.dtype: torch.dtype = getattr(torch, dtype)
        # queries, keys and values are three matrices that lie in one
        self.stacks: dict[tuple[torch.Size, int], list[str]] = {}
        for name, parameter in parameters.items():
            parts = 3 if name.endswith("qkv.weight") else 1
            self.stacks.setdefault((parameter.shape, parts), []).append(name)

    @torch.no_grad()
    def step(self, share: float) -> None:
        for (shape, parts), names in self.stacks.items():
            self._update(names, shape[0] // parts, shape[1], self.config.matrix_learning_rate * share)

    def _update(self, names: list[str], rows: int, columns: int, size: float) -> None:
        """Update the parameters of one stack, which lie in matrices (rows, columns)."""
        parameters: list[Tensor] = [self.parameters[name] for name in names]
        gradients = [p.grad for p in parameters if p.grad is not None]
        for name, parameter in zip(names, parameters, strict=True):
            if name not in self.state:
                self.state[name] = {"momentum_buffer": torch.zeros_like(parameter)}
        buffers = [self.state[name]["momentum_buffer"] for name in names]
        momentum, decay = self.config.momentum, self.config.weight_decay
        torch._foreach_lerp_(buffers, gradients, 1 - momentum)
        ahead = torch.stack(torch._foreach_lerp(gradients, buffers, momentum))  # Nesterov's
        updates = orthogonalize(ahead.view(-1, rows, columns).to(self.dtype)).reshape(ahead.shape).to(ahead)
        if decay:
            torch._foreach_mul_(parameters, 1 - size * decay)
        # so that the change of each output is of one size, whatever the shape
        torch._foreach_add_(parameters, updates.unbind(), alpha=-size * math.sqrt(max(1, rows / columns)))


def make_optimizers(model: nn.Module, config: TrainConfig, dtype: str) -> list[Optimizer]:
    """One or two optimizers that share out the model's parameters; `dtype` is the format of what they multiply."""
    parameters = dict(model.named_parameters())
    if config.optimizer == "adamw":
        return [AdamW(parameters, config)]
    hidden = {name: p for name, p in parameters.items() if name.startswith("blocks.") and p.dim() == 2}
    rest = {name: p for name, p in parameters.items() if name not in hidden}
    return [AdamW(rest, config), Muon(hidden, config, dtype)]


def restore_state(optimizers: list[Optimizer], tensors: dict[str, Tensor]) -> None:
    """Give optimizers back what they remembered; keys are `<state>.<parameter>`. Raises ValueError unless there is all
    of it, or nothing as before the first step."""
    owners = {
        f"{state}.{name}": optimizer
        for optimizer in optimizers
        for name in optimizer.parameters
        for state in optimizer.STATE
    }
    found = {key: tensor for key, tensor in tensors.items() if tensor.is_floating_point()}
    if tensors and not found.keys() == tensors.keys() == owners.keys():
        raise ValueError("the optimizer's state is not that of these parameters")
    for key, tensor in tensors.items():
        state, _, name = key.partition(".")
        parameter = owners[key].parameters[name]
        if tensor.shape != (() if state == "step" else parameter.shape):
            raise ValueError(f"{key} is of another shape")
        owners[key].state.setdefault(name, {})[state] = tensor.to(parameter.device)
