"""Attribution: who leads, by how much, and how sure that is."""

import math

import numpy as np
import pytest

from zoo.measure.attribution import LEAST_STRETCHES, MOST_STRETCHES, STRETCH, attribute, standard_error

LONG = 4 * LEAST_STRETCHES * STRETCH


def apart(pars, costs):
    """Each candidate is of a text of its own."""
    return attribute(pars, range(len(pars)), costs)


def noise(seed, scale=1.0, length=LONG):
    return np.random.default_rng(seed).normal(0, scale, length)


def test_the_least_bits_above_par_lead():
    """And not the least bits."""
    costs = [np.full(LONG, 2.0), np.full(LONG, 2.5), np.full(LONG, 3.0)]
    found = apart([1.0, 2.0, 2.2], costs)
    assert found.order == (1, 2, 0)
    assert found.excess == pytest.approx((1.0, 0.5, 0.8))
    assert found.margin == pytest.approx(0.3)
    assert found.winner == 1


def test_only_what_all_know_is_counted():
    one, other = np.full(LONG, 2.0), np.full(LONG, 2.0)
    one[:10], other[5:20] = math.nan, math.nan
    found = apart([0.0, 0.0], [one, other])
    assert (found.characters, found.counted) == (LONG, LONG - 20)


def test_less_than_half_of_the_characters_is_not_enough():
    one, other = np.full(LONG, 2.0), np.full(LONG, 3.0)
    one[: LONG // 2] = math.nan
    assert apart([0.0, 0.0], [one, other]).winner == 0
    one[: LONG // 2 + 1] = math.nan
    assert apart([0.0, 0.0], [one, other]).winner is None


def test_of_equal_ones_the_first_leads_and_does_not_win():
    found = apart([1.0, 1.0], [np.ones(LONG), np.ones(LONG)])
    assert (found.order, found.margin, found.winner) == ((0, 1), 0.0, None)


def test_a_lead_within_its_error_is_none():
    same = 2 + noise(0)
    assert apart([0.0, 0.0], [same, same + noise(1) - noise(1).mean() + 0.001]).winner is None
    assert apart([0.0, 0.0], [same, same + noise(1) - noise(1).mean() + 0.5]).winner == 0


def test_the_first_must_lead_all_the_others_and_not_the_second_alone():
    """A third that is further away may be nearer by its error."""
    same = 2 + noise(0)
    second, third = same + 0.1, same + 0.2 + noise(2, 6) - noise(2, 6).mean()
    assert apart([0.0, 0.0], [same, second]).winner == 0
    assert apart([0.0, 0.0, 0.0], [same, second, third]).winner is None


def test_models_of_one_text_do_not_fight_each_other():
    same = 2 + noise(0)
    costs = [same, same + 0.001, same + 0.5]
    assert apart([0.0] * 3, [costs[0], same + noise(3) - noise(3).mean() + 0.001, costs[2]]).winner is None
    found = attribute([0.0] * 3, ["a", "a", "b"], costs)
    assert found.winner == 0
    assert found.margin == pytest.approx(0.5)


@pytest.mark.parametrize("length", [0, 1, STRETCH, LEAST_STRETCHES * STRETCH - 1])
def test_a_short_text_wins_for_nobody_however_clear_it_is(length):
    found = apart([0.0, 0.0], [np.zeros(length), np.full(length, 9.0)])
    assert found.winner is None
    assert math.isnan(found.error)


@pytest.mark.parametrize("texts", ["a", "aa"])
def test_one_text_does_not_win_against_nobody(texts):
    found = attribute([0.0] * len(texts), texts, [np.zeros(LONG) for _ in texts])
    assert found.winner is None
    assert math.isnan(found.margin)


def test_nothing_that_all_know_gives_no_number():
    found = apart([0.0, 0.0], [np.full(9, math.nan), np.zeros(9)])
    assert found.counted == 0
    assert found.winner is None
    assert all(map(math.isnan, (*found.bits, found.margin)))


def test_the_error_of_independent_values_is_the_usual_one():
    values = noise(1, length=200 * STRETCH)
    assert standard_error(values) == pytest.approx(1 / math.sqrt(len(values)), rel=0.35)


@pytest.mark.parametrize("memory", [20, 100, 200])
def test_the_error_holds_where_neighbours_are_alike_for_long(memory):
    """Against the spread of the means of many such series, whose values are alike over so many of them."""
    length, keep = 20_000, math.exp(-1 / memory)
    chance = np.random.default_rng(memory)
    series = np.zeros((60, length))
    for t in range(1, length):
        series[:, t] = keep * series[:, t - 1] + chance.normal(0, 1, 60)
    true = series.mean(axis=1).std(ddof=1)
    told = np.median([standard_error(values) for values in series])
    assert 0.6 * true < told < 1.4 * true


def test_a_long_text_has_no_more_stretches_but_longer_ones():
    values = np.repeat(noise(4, length=MOST_STRETCHES), 1000)
    assert standard_error(values) == pytest.approx(np.std(values[::1000], ddof=1) / math.sqrt(MOST_STRETCHES))
