"""The CPU engine: the same numbers as torch, whatever the shape, the cache and the window do."""

import math

import numpy as np
import pytest
import torch

from zoo.config import BIASES, ModelConfig
from zoo.engine.cpu import CpuEngine, erf, log_softmax, softmax
from zoo.engine.window import window_start
from zoo.gpt.model import GPT

VOCAB = 13
BIASED = dict.fromkeys(BIASES, True)
SHAPES = {
    "classic gelu": {"shape": "classic", "activation": "gelu", **BIASED},
    "classic gelu_tanh": {"shape": "classic", "activation": "gelu_tanh", **BIASED},
    "classic relu": {"shape": "classic", "activation": "relu", **BIASED},
    "classic bare": {"shape": "classic", "activation": "gelu"},
    "classic tied": {"shape": "classic", "activation": "relu", "tied": True, **BIASED},
    "modern": {"shape": "modern", "activation": "swiglu"},
    "modern tied": {"shape": "modern", "activation": "swiglu", "tied": True},
    "modern wide heads": {"shape": "modern", "activation": "swiglu", "head_dim": 12, "rope_theta": 100.0},
    "modern coarse norm": {"shape": "modern", "activation": "swiglu", "norm_eps": 0.05},
}
every_shape = pytest.mark.parametrize("shape", SHAPES)
IDS = [int(id) for id in np.random.default_rng(7).integers(0, VOCAB, size=60)]


def pair(shape: str, block_size: int = 8) -> tuple[GPT, CpuEngine]:
    """One random model, in torch and in numpy; its weights are large, so that a mistake shows."""
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 16, "block_size": block_size}
    config = ModelConfig(**{**sizes, **SHAPES[shape]}).resolve(VOCAB)
    torch.manual_seed(1)
    model = GPT(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(mean=1.0 if "norm" in name else 0.0, std=0.3)
    state = model.state_dict()
    return model, CpuEngine(config, {name: state[name].numpy() for name in config.weight_shapes()})


def torch_logits(model: GPT, ids: list[int]) -> np.ndarray:
    with torch.no_grad():
        return model(torch.tensor([ids]))[0].numpy()


def naive_windows(ids: list[int], block_size: int) -> list[list[int]]:
    """half-window/v1 as one would do it by hand: what is seen once each id has been given."""
    window: list[int] = []
    seen = []
    for id in ids:
        if len(window) == block_size:
            window = window[len(window) - block_size // 2 :]
        window = [*window, id]
        seen.append(window)
    return seen


@every_shape
def test_score_is_torch(shape):
    model, engine = pair(shape)
    for length in (1, 2, 5, 8):
        expected = torch.log_softmax(torch.tensor(torch_logits(model, IDS[:length])).double(), -1).numpy()
        assert np.allclose(engine.score(np.array(IDS[:length])), expected, atol=2e-5)


@every_shape
def test_score_gives_probabilities(shape):
    scored = pair(shape)[1].score(np.array(IDS[:8]))
    assert scored.shape == (8, VOCAB)
    assert scored.dtype == np.float64
    assert np.allclose(np.exp(scored).sum(-1), 1, atol=1e-12)


def test_score_refuses_no_ids_and_more_than_the_context():
    engine = pair("modern")[1]
    for length in (0, 9):
        with pytest.raises(ValueError, match="1 to 8 ids"):
            engine.score(np.array(IDS[:length]))


@every_shape
def test_every_step_far_past_the_window_is_the_naive_oracle(shape):
    model, engine = pair(shape)
    state = engine.state()
    for n, window in enumerate(naive_windows(IDS[:32], 8), 1):
        logits = engine.step([state], [IDS[n - 1]])
        assert logits.shape == (1, VOCAB)
        assert np.allclose(logits[0], torch_logits(model, window)[-1], atol=1e-4), n


@pytest.mark.parametrize("shape", ["classic gelu", "modern"])
@pytest.mark.parametrize("block_size", [1, 2, 3])
def test_the_smallest_contexts_work(shape, block_size):
    model, engine = pair(shape, block_size)
    state = engine.state()
    for n, window in enumerate(naive_windows(IDS[:12], block_size), 1):
        logits = engine.step([state], [IDS[n - 1]])[0]
        assert np.allclose(logits, torch_logits(model, window)[-1], atol=1e-4), n


@pytest.mark.parametrize("block_size", [1, 2, 3, 4, 7, 8, 64])
def test_the_window_begins_where_the_naive_one_does(block_size):
    ids = list(range(5 * block_size + 3))
    for n, window in enumerate(naive_windows(ids, block_size), 1):
        start = window_start(n, block_size)
        assert ids[start:n] == window
        assert 1 <= n - start <= block_size
        assert n <= block_size or n - start >= block_size // 2


@every_shape
def test_states_of_different_lengths_step_as_if_alone(shape):
    engine = pair(shape)[1]
    prompts = [IDS[:1], IDS[3:10], IDS[5:13], IDS[:30]]
    together, alone = [engine.state() for _ in prompts], [engine.state() for _ in prompts]
    for states in (together, alone):
        for state, prompt in zip(states, prompts, strict=True):
            engine.extend(state, prompt)
    for turn in range(12):
        ids = IDS[turn : turn + len(prompts)]
        logits = engine.step(together, ids)
        assert logits.shape == (len(prompts), VOCAB)
        for row, state, id in zip(logits, alone, ids, strict=True):
            assert np.allclose(row, engine.step([state], [id])[0], atol=1e-5)


@every_shape
@pytest.mark.parametrize("pieces", [[3, 2], [8], [1, 8], [7, 1, 1], [5, 5, 5], [30], [8, 30, 1], [2, 6, 4, 20]])
def test_several_ids_at_once_are_the_same_as_one_by_one(shape, pieces):
    engine = pair(shape)[1]
    at_once, one_by_one = engine.state(), engine.state()
    given = 0
    for size in pieces:
        piece = IDS[given : given + size]
        logits = engine.extend(at_once, piece)
        for id in piece:
            expected = engine.extend(one_by_one, [id])
        assert np.allclose(logits, expected, atol=1e-4)
        given += size
    assert at_once.ids == one_by_one.ids == IDS[:given]


def test_one_state_knows_nothing_of_another():
    engine = pair("modern")[1]
    first, second = engine.state(), engine.state()
    engine.extend(first, IDS[:20])
    expected = engine.extend(engine.state(), IDS[4:9])
    assert np.array_equal(engine.extend(second, IDS[4:9]), expected)


def test_prompts_are_not_changed():
    engine = pair("modern")[1]
    prompt = IDS[:5]
    state = engine.state()
    engine.extend(state, prompt)
    engine.extend(state, [1])
    assert prompt == IDS[:5]


def test_weights_of_any_layout_give_the_same_numbers():
    _, engine = pair("classic gelu")
    other = CpuEngine(engine.config, {name: np.asfortranarray(w) for name, w in engine.weights.items()})
    assert np.allclose(other.score(np.array(IDS[:8])), engine.score(np.array(IDS[:8])), atol=1e-6)


def test_extreme_activations_stay_finite_and_silent():
    engine = pair("modern")[1]
    for name in engine.weights:
        if "gate" in name or "up" in name:
            engine.weights[name] = engine.weights[name] * 1000
    assert np.isfinite(engine.score(np.array(IDS[:8]))).all()  # warnings are errors here


def test_erf_is_accurate():
    xs = np.concatenate([np.linspace(-6, 6, 4001), [0.0, 1e-8, -1e-8, 30, -30]]).astype(np.float32)
    expected = np.array([math.erf(float(x)) for x in xs])
    assert np.abs(erf(xs) - expected).max() < 3e-7
    assert erf(xs).dtype == np.float32


def test_softmax_survives_large_numbers():
    x = np.array([[1000.0, 1000.0, -np.inf]], dtype=np.float32)
    assert softmax(x).tolist() == [[0.5, 0.5, 0.0]]
    assert log_softmax(np.array([1e4, 0.0])).tolist() == [0.0, -1e4]
