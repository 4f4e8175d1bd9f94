"""Shapes and knobs: what --set refuses, what sizes come out, and that torch agrees."""

import dataclasses

import pytest

from zoo.config import ModelConfig, TrainConfig, get_preset, presets
from zoo.errors import NotFound, UsageProblem

VOCAB_SIZE = 65  # tiny Shakespeare's


def refused(zoo, *settings: str, preset: str = "nano") -> str:
    """What `zoo train` says to these settings; it refuses them before it looks for the text."""
    options = [word for setting in settings for word in ("--set", setting)]
    outcome = zoo("train", "-d", "no-such-text", "-p", preset, *options)
    assert outcome.code == 2, outcome
    assert outcome.err.count("\n") == 1
    return outcome.err


@pytest.mark.parametrize(
    ("setting", "suggestion"),
    [("n_layers=3", "n_layer"), ("batchsize=3", "batch_size"), ("lerning_rate=1", "learning_rate")],
)
def test_an_unknown_key_is_refused_with_a_suggestion(zoo, setting, suggestion):
    said = refused(zoo, setting)
    assert f"unknown hyperparameter '{setting.split('=')[0]}'" in said
    assert f"did you mean '{suggestion}'?" in said


def test_an_unknown_key_says_where_all_keys_are(zoo):
    assert "zoo presets m2" in refused(zoo, "qqqqqq=1", preset="m2")


def test_the_vocabulary_decides_the_vocab_size(zoo):
    assert "unknown hyperparameter 'vocab_size'" in refused(zoo, "vocab_size=5")


def test_a_setting_without_equals_is_refused(zoo):
    assert "--set takes KEY=VALUE, not 'n_layer'" in refused(zoo, "n_layer")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("n_layer=two", "n_layer must be a whole number, not 'two'"),
        ("n_layer=2.5", "n_layer must be a whole number, not '2.5'"),
        ("n_layer=", "n_layer must be a whole number, not ''"),
        ("n_layer=1e3", "n_layer must be a whole number, not '1e3'"),
        ("n_layer=" + "9" * 5000, "n_layer must be a whole number"),
        ("learning_rate=fast", "learning_rate must be a number, not 'fast'"),
        ("tied=maybe", "tied must be true or false, not 'maybe'"),
        ("activation=tanh", "activation must be one of gelu"),
        ("shape=round", "shape must be one of classic, modern"),
        ("schedule=", "schedule must be one of constant"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(zoo, setting, said):
    assert said in refused(zoo, setting)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "0", "-1", "1e400"])
def test_a_learning_rate_that_is_no_step_is_refused(zoo, value):
    assert "learning_rate must lie between" in refused(zoo, f"learning_rate={value}")


@pytest.mark.parametrize("key", ["n_layer", "n_head", "n_embd", "block_size", "max_steps", "batch_size", "eval_every"])
@pytest.mark.parametrize("value", ["0", "-1", str(2**40)])
def test_a_count_out_of_bounds_is_refused(zoo, key, value):
    assert f"{key} must lie between" in refused(zoo, f"{key}={value}")


@pytest.mark.parametrize(
    "setting", ["dropout=1", "dropout=-0.1", "dropout=nan", "beta1=1", "norm_eps=0", "grad_clip=inf"]
)
def test_a_number_out_of_bounds_is_refused(zoo, setting):
    assert f"{setting.split('=')[0]} must lie between" in refused(zoo, setting)


def test_heads_must_divide_the_width(zoo):
    assert "n_head must divide n_embd, and 5 does not divide 128" in refused(zoo, "n_embd=128", "n_head=5", preset="m2")


@pytest.mark.parametrize("bias", ["qkv_bias", "proj_bias", "mlp_bias", "norm_bias", "head_bias"])
def test_modern_has_no_biases(zoo, bias):
    assert f"shape modern has no biases, but {bias} is true" in refused(zoo, f"{bias}=true")


def test_shape_and_activation_go_together(zoo):
    assert "shape classic does not go with activation swiglu" in refused(zoo, "activation=swiglu", preset="m2")
    assert "shape modern does not go with activation gelu" in refused(zoo, "activation=gelu")


def test_rotary_positions_need_an_even_head(zoo):
    assert "even head_dim" in refused(zoo, "n_embd=9", "n_head=3")
    assert "even head_dim" in refused(zoo, "head_dim=7")


def test_a_classic_head_has_no_width_of_its_own(zoo):
    assert "head_dim x n_head = n_embd" in refused(zoo, "n_embd=128", "n_head=4", "head_dim=16", preset="m2")


def test_an_unknown_preset_is_not_found_with_a_suggestion(zoo):
    outcome = zoo("train", "-d", "no-such-text", "-p", "nanogpt")
    assert outcome.code == 3
    assert "no preset named 'nanogpt'; did you mean 'nanogpt-cpu'?" in outcome.err
    with pytest.raises(NotFound, match="no preset named 'm3'"):
        get_preset("m3")


def test_settings_change_what_they_name_and_nothing_else():
    before = get_preset("nano")
    after = before.with_settings({"n_layer": "2", "learning_rate": "1", "tied": "yes", "schedule": "constant"})
    assert after.model == dataclasses.replace(before.model, n_layer=2, tied=True)
    assert after.train == dataclasses.replace(before.train, learning_rate=1.0, schedule="constant")
    assert before == get_preset("nano")


def test_settings_that_only_fit_together_are_taken_together():
    settings = {"shape": "classic", "activation": "gelu", "norm_bias": "true"}
    assert get_preset("nano").with_settings(settings).model.norm_bias


@pytest.mark.parametrize("group", [ModelConfig, TrainConfig])
def test_a_config_comes_back_from_its_table(group):
    config = group()
    assert group.from_dict(config.to_dict()) == config
    with pytest.raises(UsageProblem, match="unknown hyperparameter 'n_ayer'"):
        group.from_dict({"n_ayer": 1})


@pytest.mark.parametrize("value", ["4", 4.0, True, None])
def test_a_table_with_a_value_of_the_wrong_type_is_refused(value):
    with pytest.raises(UsageProblem, match="n_layer must be a whole number"):
        ModelConfig.from_dict({"n_layer": value})


def test_resolve_writes_every_size_out():
    modern = ModelConfig(n_embd=96, n_head=3).resolve(VOCAB_SIZE)
    assert (modern.vocab_size, modern.head_dim, modern.hidden_size) == (65, 32, 256)
    classic = ModelConfig(shape="classic", activation="relu", n_embd=128, n_head=4).resolve(VOCAB_SIZE)
    assert (classic.vocab_size, classic.head_dim, classic.hidden_size) == (65, 32, 512)
    own = ModelConfig(n_embd=96, n_head=3, head_dim=10, hidden_size=7).resolve(VOCAB_SIZE)
    assert (own.head_dim, own.hidden_size) == (10, 7)
    assert own.resolve(VOCAB_SIZE) == own


def assert_torch_agrees(config: ModelConfig) -> None:
    import torch

    from zoo.gpt.model import GPT

    with torch.device("meta"):  # shapes only
        model = GPT(config)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if config.tied:
        assert shapes.pop("head.weight") == shapes["wte.weight"]
    assert config.weight_shapes() == shapes
    assert config.parameters() == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("name", presets())
def test_weight_shapes_of_a_preset_are_torchs(name):
    assert_torch_agrees(get_preset(name).model.resolve(VOCAB_SIZE))


@pytest.mark.parametrize(
    "settings",
    [
        {"tied": True},
        {"head_dim": 6, "hidden_size": 10},
        {"shape": "classic", "activation": "gelu_tanh", "qkv_bias": True, "norm_bias": True},
        {"shape": "classic", "activation": "relu", "head_bias": True, "mlp_bias": True},
        {"shape": "classic", "activation": "relu", "head_bias": True, "tied": True},
    ],
)
def test_weight_shapes_of_other_configs_are_torchs(settings):
    assert_torch_agrees(ModelConfig(n_layer=2, n_embd=16, n_head=4, block_size=8, **settings).resolve(VOCAB_SIZE))


def test_every_preset_is_listed_and_shown(zoo):
    listed = zoo("presets")
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()[1 : len(presets()) + 1]] == list(presets())
    for name, preset in presets().items():
        shown = zoo("presets", name)
        assert shown.code == 0
        for key in (*preset.train.to_dict(), *(key for key in preset.model.to_dict() if key != "vocab_size")):
            assert f"\n{key} " in shown.out
