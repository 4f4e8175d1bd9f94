"""The engines: the same numbers as torch's model, whatever the shape, the cache and the window do."""

import math
import os
import subprocess
import sys
import threading
from functools import partial

import numpy as np
import pytest
import torch

from zoo.config import BIASES, ModelConfig
from zoo.engine import _native
from zoo.engine.engine import Engine, Feed, log_softmax
from zoo.engine.load import make_engine
from zoo.engine.native import MOST_THREADS, NativeEngine
from zoo.engine.numpy import NumpyEngine, erf, softmax
from zoo.engine.torch import TorchEngine
from zoo.engine.window import window_start
from zoo.errors import UsageProblem
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
ENGINES = {
    "numpy": NumpyEngine,
    "torch": TorchEngine,
    **{f"native {kind}": partial(NativeEngine, kind=kind) for kind in _native.KINDS},
    "native with three threads": partial(NativeEngine, threads=3),
}
every_shape = pytest.mark.parametrize("shape", SHAPES)
every_engine = pytest.mark.parametrize("engine_name", ENGINES)
IDS = [int(id) for id in np.random.default_rng(7).integers(0, VOCAB, size=60)]


def pair(shape: str, engine_name: str = "numpy", block_size: int = 8, **sizes: int) -> tuple[GPT, Engine]:
    """One random model, in torch and in an engine; its weights are large, so that a mistake shows."""
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 16, "block_size": block_size, **sizes}
    config = ModelConfig(**{**sizes, **SHAPES[shape]}).resolve(VOCAB)
    torch.manual_seed(1)
    model = GPT(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(mean=1.0 if "norm" in name else 0.0, std=0.3)
    state = model.state_dict()
    return model, ENGINES[engine_name](config, {name: state[name].numpy() for name in config.weight_shapes()})


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


@every_engine
@every_shape
def test_score_is_torch(shape, engine_name):
    model, engine = pair(shape, engine_name)
    for length in (1, 2, 5, 8):
        expected = torch.log_softmax(torch.tensor(torch_logits(model, IDS[:length])).double(), -1).numpy()
        assert np.allclose(engine.score(np.array(IDS[:length])), expected, atol=2e-5)


@every_engine
@every_shape
def test_score_gives_probabilities(shape, engine_name):
    scored = pair(shape, engine_name)[1].score(np.array(IDS[:8]))
    assert scored.shape == (8, VOCAB)
    assert scored.dtype == np.float64
    assert np.allclose(np.exp(scored).sum(-1), 1, atol=1e-12)


@every_engine
def test_score_refuses_no_ids_and_more_than_the_context(engine_name):
    engine = pair("modern", engine_name)[1]
    for length in (0, 9):
        with pytest.raises(ValueError, match="1 to 8 ids"):
            engine.score(np.array(IDS[:length]))


@every_engine
@every_shape
def test_every_step_far_past_the_window_is_the_naive_oracle(shape, engine_name):
    model, engine = pair(shape, engine_name)
    state = engine.state()
    for n, window in enumerate(naive_windows(IDS[:32], 8), 1):
        logits = engine.step([state], [IDS[n - 1]])
        assert logits.shape == (1, VOCAB)
        assert np.allclose(logits[0], torch_logits(model, window)[-1], atol=1e-4), n


@every_engine
@pytest.mark.parametrize("shape", ["classic gelu", "modern"])
@pytest.mark.parametrize("block_size", [1, 2, 3])
def test_the_smallest_contexts_work(shape, engine_name, block_size):
    model, engine = pair(shape, engine_name, block_size)
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


@every_engine
@every_shape
def test_states_of_different_lengths_step_as_if_alone(shape, engine_name):
    engine = pair(shape, engine_name)[1]
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


@every_engine
@every_shape
@pytest.mark.parametrize("pieces", [[3, 2], [8], [1, 8], [7, 1, 1], [5, 5, 5], [30], [8, 30, 1], [2, 6, 4, 20]])
def test_several_ids_at_once_are_the_same_as_one_by_one(shape, engine_name, pieces):
    engine = pair(shape, engine_name)[1]
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


@every_engine
def test_one_state_knows_nothing_of_another(engine_name):
    engine = pair("modern", engine_name)[1]
    first, second = engine.state(), engine.state()
    engine.extend(first, IDS[:20])
    expected = engine.extend(engine.state(), IDS[4:9])
    assert np.array_equal(engine.extend(second, IDS[4:9]), expected)


@every_engine
def test_prompts_are_not_changed(engine_name):
    engine = pair("modern", engine_name)[1]
    prompt = IDS[:5]
    state = engine.state()
    engine.extend(state, prompt)
    engine.extend(state, [1])
    assert prompt == IDS[:5]


def test_weights_of_any_layout_give_the_same_numbers():
    _, engine = pair("classic gelu")
    other = NumpyEngine(engine.config, {name: np.asfortranarray(w) for name, w in engine.weights.items()})
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


@every_engine
@pytest.mark.parametrize("shape", ["classic gelu", "modern"])
def test_a_thousand_steps_past_the_window_are_the_naive_oracle(shape, engine_name):
    model, engine = pair(shape, engine_name, 32, n_layer=1)
    ids = [int(id) for id in np.random.default_rng(5).integers(0, VOCAB, size=1032)]
    state = engine.state()
    for n, window in enumerate(naive_windows(ids, 32)):
        logits = engine.step([state], [ids[n]])[0]
        if n % 7 == 0 or n > 1000:
            assert np.allclose(logits, torch_logits(model, window)[-1], atol=1e-4), n


@every_engine
@pytest.mark.parametrize("shape", ["classic gelu", "modern"])
def test_sizes_that_are_no_multiple_of_anything_work(shape, engine_name):
    model, engine = pair(shape, engine_name, 37, n_head=3, n_embd=66, hidden_size=75)
    expected = torch.log_softmax(torch.tensor(torch_logits(model, IDS[:37])).double(), -1).numpy()
    assert np.allclose(engine.score(np.array(IDS[:37])), expected, atol=1e-4)


@pytest.mark.parametrize("kind", _native.KINDS)
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_native_numbers_depend_neither_on_company_nor_on_threads(kind, threads):
    """So that text number k of many is what its seed alone gives."""
    config = ModelConfig(n_layer=2, n_head=4, n_embd=128, block_size=16).resolve(VOCAB)
    weights = random_weights(config)
    alone, together = (NativeEngine(config, weights, n, kind) for n in (1, threads))
    prompts = [IDS[:1], IDS[3:10], IDS[5:16], IDS[:30], *(IDS[i : i + 12] for i in range(20))]
    states = [together.state() for _ in prompts]
    rows = together.feed(states, prompts)
    singly = [alone.state() for _ in prompts]
    for row, state, prompt in zip(rows, singly, prompts, strict=True):
        for id in prompt:
            expected = alone.extend(state, [id])
        assert np.array_equal(row, expected)
    for turn in range(20):  # past the window
        ids = [IDS[turn + i] for i in range(len(prompts))]
        expected = np.stack([alone.extend(state, [id]) for state, id in zip(singly, ids, strict=True)])
        assert np.array_equal(together.step(states, ids), expected)


def random_weights(config: ModelConfig) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(3)
    return {name: chance.normal(0, 0.3, shape).astype(np.float32) for name, shape in config.weight_shapes().items()}


def test_engines_of_several_threads_of_python_do_not_disturb_each_other():
    config = ModelConfig(n_layer=2, n_head=4, n_embd=128, block_size=64).resolve(VOCAB)
    engine = NativeEngine(config, random_weights(config), threads=2)
    expected = engine.score(np.array(IDS))
    seen = []
    talkers = [
        threading.Thread(target=lambda: seen.extend(engine.score(np.array(IDS)) for _ in range(30))) for _ in range(4)
    ]
    for talker in talkers:
        talker.start()
    for talker in talkers:
        talker.join()
    assert len(seen) == 120
    assert all(np.array_equal(scored, expected) for scored in seen)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_computes_too():
    config = ModelConfig(n_layer=1, n_head=4, n_embd=128, block_size=64).resolve(VOCAB)
    engine = NativeEngine(config, random_weights(config), threads=2)
    expected = engine.score(np.array(IDS))
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(engine.score(np.array(IDS)), expected) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_what_does_not_fit_is_refused_before_anything_is_computed():
    _, engine = pair("modern", "native plain")
    cache = engine.new_cache()
    for ids, at in (([VOCAB], 0), ([-1], 0), ([1], 8), ([1] * 9, 0), ([1], -1), ([], 0)):
        with pytest.raises(ValueError):
            engine.logits([Feed(ids, at, cache)], every=False)
    with pytest.raises(ValueError):
        engine.logits([Feed([1], 0, cache[:-1])], every=False)
    with pytest.raises(ValueError):
        _native.model(True, 1, 2, 16, 8, VOCAB, 8, 32, 3, 1e-5, {"wte.weight": np.zeros(3, dtype=np.float32)}, "plain")
    with pytest.raises(KeyError):
        _native.model(True, 1, 2, 16, 8, VOCAB, 8, 32, 3, 1e-5, {}, "plain")


def test_a_kind_of_processor_that_is_not_here_is_refused():
    config = ModelConfig(n_layer=1, n_head=2, n_embd=16, block_size=8).resolve(VOCAB)
    with pytest.raises(ValueError, match="no such processor"):
        NativeEngine(config, random_weights(config), kind="6502")


@pytest.mark.parametrize(("asked", "threads"), [("1", 1), ("3", 3), ("999", MOST_THREADS)])
def test_threads_are_as_many_as_are_allowed(monkeypatch, asked, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    config = ModelConfig(n_layer=1, n_head=2, n_embd=16, block_size=8).resolve(VOCAB)
    assert NativeEngine(config, random_weights(config)).threads == threads


@pytest.mark.parametrize("asked", ["", "0", "many"])
def test_threads_are_as_many_as_processors_where_nothing_sensible_is_asked(monkeypatch, asked):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    config = ModelConfig(n_layer=1, n_head=2, n_embd=16, block_size=8).resolve(VOCAB)
    assert 1 <= NativeEngine(config, random_weights(config)).threads <= MOST_THREADS


def test_the_fastest_engine_is_taken_and_numpy_where_nothing_was_compiled(tmp_path):
    config = ModelConfig(n_layer=1, n_head=2, n_embd=16, block_size=8).resolve(VOCAB)
    assert isinstance(make_engine(config, random_weights(config)), NativeEngine)
    endless = ModelConfig(n_layer=1, n_head=2, n_embd=16, block_size=_native.LARGEST + 1).resolve(VOCAB)
    assert isinstance(make_engine(endless, random_weights(endless)), NumpyEngine)
    with pytest.raises(UsageProblem, match="not available"):
        make_engine(config, random_weights(config), "cuda:9")
    code = """
import sys
sys.modules["zoo.engine._native"] = None  # as if it had not been built
import numpy as np
from zoo.config import ModelConfig
from zoo.engine.load import make_engine
config = ModelConfig(n_layer=1, n_head=2, n_embd=16, block_size=8).resolve(13)
engine = make_engine(config, {name: np.ones(shape) for name, shape in config.weight_shapes().items()})
print(type(engine).__name__, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["NumpyEngine", "False"]


def test_the_longest_context_does_not_exceed_a_stack():
    config = ModelConfig(n_layer=1, n_head=2, n_embd=16, block_size=_native.LARGEST).resolve(VOCAB)
    engine = NativeEngine(config, random_weights(config), threads=2)
    cache = engine.new_cache()
    few = [Feed(IDS[:12], _native.LARGEST - 12, cache)]  # what stands before is all zeros
    assert np.isfinite(engine.logits(few, every=True)).all()


@pytest.mark.parametrize("name", ["native plain", "numpy"])
def test_numbers_that_are_not_finite_come_out_as_such_and_harm_nothing(name):
    _, engine = pair("modern", name)
    weights = {key: np.full(shape, np.nan, dtype=np.float32) for key, shape in engine.config.weight_shapes().items()}
    broken = type(engine)(engine.config, weights)
    assert np.isnan(broken.extend(broken.state(), [1, 2, 3])).all()
