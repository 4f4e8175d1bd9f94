"""The transformer: what it must be before anybody trains it."""

import dataclasses
import math

import pytest
import torch

from zoo.config import BIASES, ModelConfig
from zoo.gpt.model import GPT, Dropout, attend, drop

SHAPES = {
    "classic": {"shape": "classic", "activation": "gelu", **dict.fromkeys(BIASES, True)},
    "classic_bare_relu": {"shape": "classic", "activation": "relu"},
    "modern": {"shape": "modern", "activation": "swiglu"},
}
every_shape = pytest.mark.parametrize("shape", SHAPES)


def small(shape: str, **changes: object) -> ModelConfig:
    """A resolved config of 23 ids and 12 positions."""
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 16, "block_size": 12}
    return ModelConfig(**{**SHAPES[shape], **sizes, **changes}).resolve(23)


def make(config: ModelConfig) -> GPT:
    torch.manual_seed(0)
    return GPT(config)


def random_ids(rows: int, columns: int) -> torch.Tensor:
    return torch.randint(0, 23, (rows, columns), generator=torch.Generator().manual_seed(1))


@every_shape
def test_an_untrained_model_guesses_evenly(shape):
    ids = random_ids(16, 13)
    loss = make(small(shape)).loss(ids[:, :-1], ids[:, 1:]).item()
    assert loss == pytest.approx(math.log(23), abs=0.15)


@every_shape
def test_a_future_id_never_changes_past_logits(shape):
    model = make(small(shape)).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # as initialised, attention is too weak for a leak to show
            parameter.normal_(std=0.5)
        ids = random_ids(1, 12)
        before = model(ids)
        for t in range(12):
            changed = ids.clone()
            changed[0, t] = (changed[0, t] + 1) % 23
            after = model(changed)
            assert torch.equal(after[0, :t], before[0, :t])
            assert not torch.allclose(after[0, t], before[0, t])
            assert t == 11 or not torch.allclose(after[0, t + 1 :], before[0, t + 1 :])


@every_shape
def test_the_order_of_ids_matters(shape):
    model = make(small(shape)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5)
        forward, swapped = model(torch.tensor([[1, 2, 3, 4]])), model(torch.tensor([[2, 1, 3, 4]]))
    assert not torch.allclose(forward[0, -1], swapped[0, -1], atol=1e-3)


@every_shape
def test_one_batch_can_be_learned_by_heart(shape):
    model = make(small(shape, n_embd=32))
    ids = random_ids(4, 13)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    for _ in range(150):
        loss = model.loss(ids[:, :-1], ids[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


@every_shape
def test_every_weight_learns(shape):
    model = make(small(shape))
    ids = random_ids(4, 13)
    model.loss(ids[:, :-1], ids[:, 1:]).backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert idle == []


@every_shape
@pytest.mark.parametrize("tied", [False, True])
def test_names_and_shapes_of_weights_are_those_of_the_config(shape, tied):
    config = small(shape, tied=tied)
    model = make(config)
    have = {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert have == config.weight_shapes()
    assert sum(p.numel() for p in model.parameters()) == config.parameters()


@every_shape
def test_a_tied_head_is_the_embedding(shape):
    model = make(small(shape, tied=True))
    assert model.head.weight is model.wte.weight
    assert make(small(shape)).head.weight is not model.wte.weight
    config = small(shape)
    assert config.parameters() - dataclasses.replace(config, tied=True).parameters() == 23 * 16


@pytest.mark.parametrize(
    ("field", "biased"),
    [
        ("qkv_bias", ["attention.qkv"]),
        ("proj_bias", ["attention.proj"]),
        ("mlp_bias", ["mlp.up", "mlp.down"]),
        ("norm_bias", ["norm1", "norm2"]),
        ("head_bias", []),
    ],
)
def test_each_bias_field_makes_its_biases_and_no_other(field, biased):
    bare = {name for name, _ in make(small("classic_bare_relu")).named_parameters()}
    names = {name for name, _ in make(small("classic_bare_relu", **{field: True})).named_parameters()}
    expected = {f"blocks.{i}.{name}.bias" for i in range(2) for name in biased}
    expected |= {"norm_bias": {"norm.bias"}, "head_bias": {"head.bias"}}.get(field, set())
    assert not any(name.endswith(".bias") for name in bare)
    assert names - bare == expected


def test_biases_begin_at_zero_and_norms_at_one():
    for name, parameter in make(small("classic")).named_parameters():
        if name.endswith(".bias"):
            assert not parameter.any(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name


def test_residual_projections_begin_smaller_with_depth():
    model = make(small("classic", n_layer=8, n_embd=64))
    assert model.blocks[0].mlp.down.weight.std().item() == pytest.approx(0.02 / 4, rel=0.1)
    assert model.blocks[0].attention.proj.weight.std().item() == pytest.approx(0.02 / 4, rel=0.1)
    assert model.blocks[0].mlp.up.weight.std().item() == pytest.approx(0.02, rel=0.1)


@every_shape
def test_dropout_acts_only_in_training(shape):
    model = make(small(shape, dropout=0.5))
    ids = random_ids(2, 12)
    with torch.no_grad():
        model.eval()
        assert torch.equal(model(ids), model(ids))
        model.train()
        assert not torch.equal(model(ids), model(ids))
        model = make(small(shape)).train()
        assert torch.equal(model(ids), model(ids))


@every_shape
def test_the_constructor_is_silent(shape, capfd):
    make(small(shape))
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_more_ids_than_the_context_are_refused():
    with pytest.raises(AssertionError):
        make(small("modern"))(random_ids(1, 13))


def random_heads(length: int) -> list[torch.Tensor]:
    """Queries, keys and values (2, 3, length, 8)."""
    generator = torch.Generator().manual_seed(4)
    return [torch.randn(2, 3, length, 8, generator=generator).requires_grad_() for _ in range(3)]


@pytest.mark.parametrize("length", [1, 2, 9, 64])
def test_attention_in_bfloat16_is_that_in_float32_but_for_rounding(length):
    exact, rounded = random_heads(length), [x.detach().bfloat16().requires_grad_() for x in random_heads(length)]
    expected = torch.nn.functional.scaled_dot_product_attention(*exact, is_causal=True)
    got = attend(*rounded, 0.0)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got.float(), expected, rtol=0.05, atol=0.03)
    expected.square().sum().backward()
    got.float().square().sum().backward()
    for one, other in zip(exact, rounded, strict=True):
        torch.testing.assert_close(other.grad.float(), one.grad, rtol=0.1, atol=0.15)


def test_a_future_id_never_changes_past_logits_in_bfloat16():
    model = make(small("modern")).eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for parameter in model.parameters():
            parameter.normal_(std=0.5)
        ids = random_ids(1, 12)
        changed = ids.clone()
        changed[0, 7] = (changed[0, 7] + 1) % 23
        before, after = model(ids), model(changed)
    assert torch.equal(after[0, :7], before[0, :7])
    assert not torch.equal(after[0, 7:], before[0, 7:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropped_attention_weights_leave_its_mean_alone(dtype):
    ones = torch.ones(1, 1, 256, 8, dtype=dtype)
    dropped = attend(ones, ones, ones, 0.5).float()
    assert not torch.equal(dropped, torch.ones_like(dropped))
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("shape", "drops"), [("classic", True), ("modern", False)])
def test_only_the_classic_shape_drops_attention_weights(shape, drops):
    model = make(small(shape, dropout=0.5)).train()
    for module in model.modules():
        if isinstance(module, Dropout):
            module.share = 0.0
    ids = random_ids(2, 12)
    with torch.no_grad():
        assert torch.equal(model(ids), model(ids)) is not drops


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("share", [0.001, 0.2, 0.5, 0.95])
def test_dropout_zeroes_its_share_and_keeps_the_mean(dtype, share):
    torch.manual_seed(0)
    x = torch.ones(1001, 333, dtype=dtype, requires_grad=True)
    y = drop(x, share)
    y.sum().backward()
    zeroed = (y == 0).float().mean().item()
    assert zeroed == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / x.numel()) + 2**-16)
    assert y.dtype == dtype
    torch.testing.assert_close(y[y != 0].float().unique(), torch.tensor([1 / (1 - share)]), rtol=0.01, atol=0.0)
    assert torch.equal(x.grad, y)  # what was zeroed has no gradient, and the rest a larger one


def test_dropout_draws_each_from_the_seed_and_none_like_its_neighbour():
    def kept(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return drop(torch.ones(64, 256), 0.5) != 0

    first = kept(1)
    assert torch.equal(kept(1), first)
    for other in (kept(2), first.roll(1, 0), first.roll(1, 1), first.roll(4, 1)):
        assert (other == first).float().mean().item() == pytest.approx(0.5, abs=0.03)
