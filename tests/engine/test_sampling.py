"""Sampling: one uniform number per id, through the inverse CDF."""

import math
import random

import numpy as np
import pytest

from zoo.engine.sampling import RECENT, Sampler, Sampling, log_probability
from zoo.errors import BadData, UsageProblem

LOGITS = np.array([0.5, 2.0, -1.0, 1.0, -3.0, 0.0], dtype=np.float32)


def draw(count: int, logits: np.ndarray = LOGITS, seed: int | None = None, **options: object) -> list[int]:
    sampler = Sampler(Sampling(**options), seed)
    return [sampler.choose(logits) for _ in range(count)]


def test_temperature_0_is_greedy():
    assert draw(50, temperature=0, seed=1) == [1] * 50
    assert draw(5, logits=np.array([3.0, 7.0, 7.0]), temperature=0) == [1] * 5


@pytest.mark.parametrize("tiny", [1e-5, 1e-6, 1e-7, 1e-300])
def test_a_tiny_temperature_is_nearly_greedy_and_finite(tiny):
    assert draw(50, temperature=tiny, seed=1) == [1] * 50


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
    greedy, drawn = Sampler(Sampling(temperature=0), 2), Sampler(Sampling(temperature=1), 2)
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


@pytest.mark.parametrize(
    "options",
    [
        {"top_k": -1},
        {"top_k": 0.5},
        {"top_p": -0.1},
        {"top_p": 1.1},
        {"top_p": math.nan},
        {"min_p": 1.01},
        {"min_p": math.nan},
        {"repetition_penalty": 0.0},
        {"repetition_penalty": -1.0},
        {"repetition_penalty": math.inf},
    ],
)
def test_values_out_of_bounds_are_refused_by_name(options):
    with pytest.raises(UsageProblem, match=next(iter(options))):
        Sampling(**options)


def probabilities(recent: list[int] | None = None, logits: np.ndarray = LOGITS, **options: float) -> np.ndarray:
    return Sampler(Sampling(**{"temperature": 1.0, **options})).probabilities(logits, recent or [])


WHOLE = np.exp(LOGITS.astype(np.float64)) / np.exp(LOGITS.astype(np.float64)).sum()


@pytest.mark.parametrize("top_p", [0.0, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0])
def test_top_p_keeps_the_fewest_likeliest_that_have_it_together(top_p):
    kept = np.flatnonzero(probabilities(top_p=top_p))
    by_rank = np.argsort(-WHOLE)
    fewest = next(n for n in range(1, 7) if WHOLE[by_rank[:n]].sum() >= top_p - 1e-12)
    assert kept.tolist() == sorted(by_rank[:fewest].tolist())
    assert probabilities(top_p=top_p)[kept] == pytest.approx(WHOLE[kept] / WHOLE[kept].sum())


@pytest.mark.parametrize("min_p", [0.0, 0.1, 0.2, 0.3, 0.5, 1.0])
def test_min_p_keeps_what_is_not_far_less_likely_than_the_likeliest(min_p):
    kept = np.flatnonzero(probabilities(min_p=min_p))
    assert kept.tolist() == np.flatnonzero(min_p * WHOLE.max() <= WHOLE).tolist()


def test_cuts_are_made_after_the_temperature():
    hot = np.exp(LOGITS.astype(np.float64) / 2)
    kept = np.flatnonzero(probabilities(min_p=0.3, temperature=2.0))
    assert kept.tolist() == np.flatnonzero(hot >= 0.3 * hot.max()).tolist()


def test_of_equal_ids_top_p_keeps_the_lower_ones():
    assert probabilities(logits=np.zeros(4), top_p=0.5).tolist() == [0.5, 0.5, 0, 0]


def test_the_repetition_penalty_divides_what_is_positive_and_multiplies_what_is_not():
    expected = LOGITS.astype(np.float64)
    expected[1] /= 2
    expected[2] *= 2
    expected = np.exp(expected) / np.exp(expected).sum()
    assert probabilities([1, 2, 2, 1], repetition_penalty=2.0) == pytest.approx(expected)
    assert probabilities([], repetition_penalty=2.0) == pytest.approx(WHOLE)


def test_the_repetition_penalty_looks_back_on_the_last_ids_alone():
    assert probabilities([1] + [5] * RECENT, repetition_penalty=2.0) == pytest.approx(
        probabilities([5], repetition_penalty=2.0)
    )


def test_the_repetition_penalty_concerns_greedy_choices_too_and_leaves_the_logits_alone():
    sampler = Sampler(Sampling(temperature=0, repetition_penalty=10.0))
    before = LOGITS.copy()
    assert sampler.choose(LOGITS, [1]) == 3
    assert np.array_equal(before, LOGITS)


def test_log_probabilities_are_the_models_own():
    for id in range(6):
        assert log_probability(LOGITS, id) == pytest.approx(math.log(WHOLE[id]))


@pytest.mark.parametrize("bad", [[math.nan] * 3, [math.inf, 0, 0], [-math.inf] * 3, [0, math.nan, 1]])
def test_logits_that_are_not_finite_are_bad_data(bad):
    with pytest.raises(BadData, match="not finite"):
        Sampler(Sampling(), 1).choose(np.array(bad, dtype=np.float32))
