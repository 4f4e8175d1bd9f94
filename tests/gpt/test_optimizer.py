"""Muon, and who updates what."""

import pytest
import torch
from torch import Tensor

from zoo.config import ModelConfig, TrainConfig
from zoo.gpt.model import GPT
from zoo.gpt.muon import Muon, orthogonalize
from zoo.gpt.optimizer import STATE, make_optimizers, restore_state, scale_learning_rates, state_of


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


def test_parts_are_matrices_of_their_own():
    whole = torch.nn.Parameter(torch.zeros(6, 4))
    parts = [torch.nn.Parameter(torch.zeros(2, 4)) for _ in range(3)]
    gradient = matrices(6, 4)
    whole.grad = gradient.clone()
    for part, piece in zip(parts, gradient.split(2), strict=True):
        part.grad = piece.clone()
    Muon([{"params": [whole], "parts": 3}], lr=0.1, momentum=0.9).step()
    Muon([{"params": parts, "parts": 1}], lr=0.1, momentum=0.9).step()
    torch.testing.assert_close(whole.detach(), torch.cat([part.detach() for part in parts]), rtol=1e-4, atol=1e-6)


def test_muon_updates_the_matrices_of_the_blocks_and_adamw_the_rest():
    model = tiny_model()
    adamw, muon = make_optimizers(model, MUON)
    names = {parameter: name for name, parameter in model.named_parameters()}
    of_muon = {names[p] for group in muon.param_groups for p in group["params"]}
    of_adamw = {names[p] for group in adamw.param_groups for p in group["params"]}
    assert of_muon | of_adamw == set(names.values())
    assert not of_muon & of_adamw
    assert of_muon == {
        f"blocks.{i}.{matrix}.weight"
        for i in range(2)
        for matrix in ("attention.qkv", "attention.proj", "mlp.gate", "mlp.up", "mlp.down")
    }


def test_muon_does_what_its_paper_says():
    parameter = torch.nn.Parameter(matrices(4, 6))
    before, momentum = parameter.detach().clone(), torch.zeros(4, 6)
    muon = Muon([{"params": [parameter], "parts": 1}], lr=0.1, momentum=0.8, weight_decay=0.5)
    for seed in range(3):
        gradient = torch.randn(4, 6, generator=torch.Generator().manual_seed(seed))
        parameter.grad = gradient.clone()
        muon.step()
        momentum = 0.8 * momentum + 0.2 * gradient
        update = orthogonalize((0.2 * gradient + 0.8 * momentum)[None])[0]
        before = before * (1 - 0.1 * 0.5) - 0.1 * update
        torch.testing.assert_close(parameter.detach(), before, rtol=1e-4, atol=1e-5)


def test_all_step_sizes_rise_and_fall_together():
    optimizers = make_optimizers(tiny_model(), MUON)
    scale_learning_rates(optimizers, 0.25)
    rates = [group["lr"] for optimizer in optimizers for group in optimizer.param_groups]
    assert rates == [MUON.learning_rate / 4] * 2 + [MUON.matrix_learning_rate / 4] * 2


def test_state_goes_out_and_comes_back():
    model, other = tiny_model(), tiny_model()
    optimizers, others = make_optimizers(model, MUON), make_optimizers(other, MUON)
    assert state_of(optimizers, model) == {}
    backward(model)
    for optimizer in optimizers:
        optimizer.step()
    said = state_of(optimizers, model)
    assert {key.partition(".")[0] for key in said} == set(sum(STATE.values(), ()))
    restore_state(others, other, said)
    assert {key: value.tolist() for key, value in state_of(others, other).items()} == {
        key: value.tolist() for key, value in said.items()
    }


@pytest.mark.parametrize("change", ["lacks one", "of adamw", "another shape"])
def test_state_of_another_training_is_refused(change):
    model = tiny_model()
    optimizers = make_optimizers(model, MUON if change != "of adamw" else TrainConfig())
    backward(model)
    for optimizer in optimizers:
        optimizer.step()
    said = state_of(optimizers, model)
    key = "exp_avg.wte.weight" if change != "another shape" else "exp_avg_sq.head.weight"
    if change == "lacks one":
        del said[key]
    if change == "another shape":
        said[key] = said[key][1:]
    with pytest.raises(ValueError, match="not that of these parameters"):
        restore_state(make_optimizers(model, MUON), model, said)
