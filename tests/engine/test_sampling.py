"""Sampling: one uniform number per id, through the inverse CDF."""

import math
import random

import numpy as np
import pytest

from zoo.engine.sampling import Sampler, Sampling
from zoo.errors import UsageProblem

LOGITS = np.array([0.5, 2.0, -1.0, 1.0, -3.0, 0.0], dtype=np.float32)


def draw(count: int, logits: np.ndarray = LOGITS, **options: object) -> list[int]:
    sampler = Sampler(Sampling(**options))
    return [sampler.choose(logits) for _ in range(count)]


def test_temperature_0_is_greedy():
    assert draw(50, temperature=0, seed=1) == [1] * 50
    assert draw(5, logits=np.array([3.0, 7.0, 7.0]), temperature=0) == [1] * 5


def test_a_tiny_temperature_is_nearly_greedy_and_finite():
    assert draw(50, temperature=1e-6, seed=1) == [1] * 50


def test_the_same_seed_gives_the_same_ids():
    assert draw(200, seed=3) == draw(200, seed=3)
    assert draw(200, seed=3) != draw(200, seed=4)
    assert draw(200) != draw(200)


def test_each_id_takes_one_uniform_number_through_the_inverse_cdf():
    uniforms = random.Random(11)
    scaled = LOGITS.astype(np.float64) / 0.8
    p = np.exp(scaled) / np.exp(scaled).sum()
    for id in draw(300, temperature=0.8, seed=11):
        u = uniforms.random()
        assert p[:id].sum() - 1e-12 <= u <= p[: id + 1].sum() + 1e-12


def test_greedy_draws_use_up_their_numbers_too():
    greedy, drawn = Sampler(Sampling(temperature=0, seed=2)), Sampler(Sampling(temperature=1, seed=2))
    for _ in range(5):
        greedy.choose(LOGITS)
        drawn.choose(LOGITS)
    assert greedy._random.getstate() == drawn._random.getstate()


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_top_k_keeps_exactly_the_k_likeliest(k):
    p = Sampler(Sampling(top_k=k)).probabilities(LOGITS)
    assert np.flatnonzero(p).tolist() == sorted(np.argsort(-LOGITS)[:k].tolist())
    assert p.sum() == pytest.approx(1)
    assert set(draw(2000, top_k=k, temperature=2.0, seed=0)) == set(np.argsort(-LOGITS)[:k].tolist())


def test_top_k_of_equal_logits_keeps_the_lower_ids():
    p = Sampler(Sampling(top_k=2)).probabilities(np.zeros(5))
    assert p.tolist() == [0.5, 0.5, 0, 0, 0]


@pytest.mark.parametrize("k", [0, 6, 7, 10**9])
def test_top_k_of_nothing_or_everything_keeps_all(k):
    p = Sampler(Sampling(top_k=k, temperature=1.0)).probabilities(LOGITS)
    expected = np.exp(LOGITS.astype(np.float64))
    assert np.allclose(p, expected / expected.sum(), atol=1e-12)
    assert p.dtype == np.float64


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_many_draws_are_spread_like_the_probabilities(temperature):
    count = 20_000
    drawn = np.bincount(draw(count, temperature=temperature, seed=0), minlength=6)
    scaled = LOGITS.astype(np.float64) / temperature
    p = np.exp(scaled) / np.exp(scaled).sum()
    assert (np.abs(drawn - count * p) < 4 * np.sqrt(count * p * (1 - p)) + 1).all()


def test_an_id_of_probability_0_is_never_drawn():
    logits = np.array([-np.inf, 0.0, -np.inf, 0.0, -np.inf])
    assert set(draw(500, logits=logits, seed=0)) == {1, 3}


@pytest.mark.parametrize("temperature", [math.nan, math.inf, -0.1, -math.inf, 100.1])
def test_a_temperature_that_means_nothing_is_refused(temperature):
    with pytest.raises(UsageProblem, match="temperature"):
        Sampling(temperature=temperature)


def test_a_negative_top_k_is_refused():
    with pytest.raises(UsageProblem, match="top-k"):
        Sampling(top_k=-1)
