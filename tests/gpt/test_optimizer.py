"""Muon, and who updates what."""

import dataclasses
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from zoo.config import ModelConfig, TrainConfig
from zoo.gpt.model import GPT
from zoo.gpt.optimizer import AdamW, Muon, Optimizer, make_optimizers, restore_state
from zoo.gpt.orthogonal import orthogonalize


def matrices(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def tiny_model(**changes: object) -> GPT:
    torch.manual_seed(2)
    return GPT(ModelConfig(n_layer=2, n_head=2, n_embd=8, block_size=6, **changes).resolve(11))


def backward(model: GPT, seed: int = 0) -> None:
    ids = torch.randint(0, 11, (3, 7), generator=torch.Generator().manual_seed(seed))
    model.loss(ids[:, :-1], ids[:, 1:]).backward()


MUON = TrainConfig(optimizer="muon", weight_decay=0.1)


@pytest.mark.parametrize("shape", [(4, 6, 6), (3, 12, 5), (3, 5, 12), (1, 7, 1)])
def test_orthogonalize_brings_every_singular_value_near_one_and_keeps_the_singular_vectors(shape):
    given = matrices(*shape)
    made = orthogonalize(given)
    singular = torch.linalg.svdvals(made)
    assert singular.min() > 0.6
    assert singular.max() < 1.3
    u, _, vh = torch.linalg.svd(given, full_matrices=False)
    rotated = u.mT @ made @ vh.mT
    assert (rotated - torch.diag_embed(rotated.diagonal(dim1=-2, dim2=-1))).abs().max() < 1e-3


def test_orthogonalize_leaves_a_matrix_of_zeros_alone():
    assert torch.equal(orthogonalize(torch.zeros(2, 3, 4)), torch.zeros(2, 3, 4))


def test_stacking_changes_nothing():
    alone = torch.cat([orthogonalize(one[None]) for one in matrices(5, 8, 4)])
    torch.testing.assert_close(orthogonalize(matrices(5, 8, 4)), alone, rtol=1e-4, atol=1e-5)


def stepped(model: GPT, config: TrainConfig, updates: int = 1) -> list[Optimizer]:
    """The optimizers of a model after some updates of it."""
    optimizers = make_optimizers(model, config, "float32")
    for seed in range(updates):
        model.zero_grad()
        backward(model, seed)
        for optimizer in optimizers:
            optimizer.step(1.0)
    return optimizers


def test_muon_updates_the_matrices_of_the_blocks_and_adamw_the_rest():
    model = tiny_model()
    adamw, muon = make_optimizers(model, MUON, "float32")
    assert adamw.parameters.keys() | muon.parameters.keys() == dict(model.named_parameters()).keys()
    assert not adamw.parameters.keys() & muon.parameters.keys()
    assert muon.parameters.keys() == {
        f"blocks.{i}.{matrix}.weight"
        for i in range(2)
        for matrix in ("attention.qkv", "attention.proj", "mlp.gate", "mlp.up", "mlp.down")
    }


def test_queries_keys_and_values_are_matrices_of_their_own():
    model = tiny_model()
    name = "blocks.0.attention.qkv.weight"
    before = dict(model.named_parameters())[name].detach().clone()
    stepped(model, dataclasses.replace(MUON, weight_decay=0.0))
    change = dict(model.named_parameters())[name].detach() - before
    for part in change.split(8):
        singular = torch.linalg.svdvals(part / MUON.matrix_learning_rate)
        assert singular.min() > 0.3
        assert 0.9 < singular.max() < 1.4


def test_muon_does_what_its_paper_says():
    config = dataclasses.replace(MUON, weight_decay=0.5, momentum=0.8, matrix_learning_rate=0.1)
    parameter = torch.nn.Parameter(matrices(24, 6))
    expected, momentum = parameter.detach().clone(), torch.zeros(24, 6)
    muon = Muon({"matrix": parameter}, config, "float32")
    for seed in range(3):
        gradient = torch.randn(24, 6, generator=torch.Generator().manual_seed(seed))
        parameter.grad = gradient.clone()
        muon.step(0.5)
        momentum = 0.8 * momentum + 0.2 * gradient
        update = orthogonalize((0.2 * gradient + 0.8 * momentum)[None])[0]
        expected = expected * (1 - 0.05 * 0.5) - 0.05 * 2 * update  # 2 is the root of four times as many rows
        torch.testing.assert_close(parameter.detach(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_attention_may_be_wider_than_the_stream(dtype):
    model = tiny_model(head_dim=16)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    backward(model)
    for optimizer in make_optimizers(model, MUON, dtype):
        optimizer.step(1.0)
    for name, parameter in model.named_parameters():
        assert not torch.equal(parameter, before[name]), name


def test_adamw_is_torch_s_to_the_bit():
    config = TrainConfig(weight_decay=0.1, learning_rate=0.02)
    ours, theirs = tiny_model(), tiny_model()
    peer = torch.optim.AdamW(
        [
            {"params": [p for p in theirs.parameters() if p.dim() >= 2], "weight_decay": config.weight_decay},
            {"params": [p for p in theirs.parameters() if p.dim() < 2], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        fused=True,
    )
    for seed in range(3):
        theirs.zero_grad()
        backward(theirs, seed)
        peer.step()
    stepped(ours, config, updates=3)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_share_of_nothing_changes_nothing():
    model = tiny_model()
    before = [p.detach().clone() for p in model.parameters()]
    backward(model)
    for optimizer in make_optimizers(model, MUON, "float32"):
        optimizer.step(0.0)
    assert all(torch.equal(one, other) for one, other in zip(before, model.parameters(), strict=True))


def test_training_does_not_import_the_compiler_of_torch():
    code = """
import sys, torch
from zoo.config import ModelConfig, TrainConfig
from zoo.gpt.model import GPT
from zoo.gpt.optimizer import make_optimizers
model = GPT(ModelConfig(n_layer=1, n_head=1, n_embd=4, block_size=4).resolve(5))
ids = torch.zeros(1, 4, dtype=torch.long)
for recipe in ("adamw", "muon"):
    model.loss(ids, ids).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in make_optimizers(model, TrainConfig(optimizer=recipe), "float32"):
        optimizer.step(1.0)
    model.zero_grad()
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def state_of(optimizers: list[Optimizer]) -> dict[str, Tensor]:
    return {
        f"{key}.{name}": tensor
        for optimizer in optimizers
        for name, state in optimizer.state.items()
        for key, tensor in state.items()
    }


def test_state_goes_out_and_comes_back():
    said, others = state_of(stepped(tiny_model(), MUON)), make_optimizers(tiny_model(), MUON, "float32")
    assert {key.partition(".")[0] for key in said} == {*AdamW.STATE, *Muon.STATE}
    restore_state(others, said)
    assert {key: tensor.tolist() for key, tensor in state_of(others).items()} == {
        key: tensor.tolist() for key, tensor in said.items()
    }
    restore_state(others, {})


@pytest.mark.parametrize("change", ["lacks one", "of adamw", "another shape"])
def test_state_of_another_training_is_refused(change):
    model = tiny_model()
    said = state_of(stepped(model, TrainConfig() if change == "of adamw" else MUON))
    if change == "lacks one":
        del said["exp_avg.wte.weight"]
    if change == "another shape":
        said["exp_avg_sq.head.weight"] = said["exp_avg_sq.head.weight"][1:]
    with pytest.raises(ValueError, match=r"not that of these parameters|another shape"):
        restore_state(make_optimizers(model, MUON, "float32"), said)
