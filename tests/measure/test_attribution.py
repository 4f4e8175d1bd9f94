"""Attribution: who leads, by how much, and how sure that is."""

import math

import numpy as np
import pytest

from zoo.measure.attribution import LEAST_STRETCHES, STRETCH, attribute, standard_error

LONG = 4 * LEAST_STRETCHES * STRETCH


def test_the_least_bits_above_par_lead():
    costs = [np.full(LONG, 2.0), np.full(LONG, 2.5), np.full(LONG, 3.0)]
    found = attribute([1.0, 2.0, 2.2], costs)
    assert found.order == (1, 2, 0)
    assert found.excess == pytest.approx((1.0, 0.5, 0.8))
    assert found.margin == pytest.approx(0.3)
    assert found.winner == 1


def test_only_what_all_know_is_counted():
    one, other = np.full(LONG, 2.0), np.full(LONG, 2.0)
    one[:10], other[5:20] = math.nan, math.nan
    found = attribute([0.0, 0.0], [one, other])
    assert (found.characters, found.counted) == (LONG, LONG - 20)


def test_of_equal_ones_the_first_leads_and_does_not_win():
    found = attribute([1.0, 1.0], [np.ones(LONG), np.ones(LONG)])
    assert (found.order, found.margin, found.winner) == ((0, 1), 0.0, None)


def test_a_lead_within_its_error_is_none():
    chance = np.random.default_rng(0)
    same = chance.normal(2, 1, LONG)
    found = attribute([0.0, 0.0], [same, same + chance.normal(0.001, 1, LONG)])
    assert found.winner is None
    found = attribute([0.0, 0.0], [same, same + chance.normal(0.5, 1, LONG)])
    assert found.winner == 0


@pytest.mark.parametrize("length", [0, 1, STRETCH, LEAST_STRETCHES * STRETCH - 1])
def test_a_short_text_wins_for_nobody_however_clear_it_is(length):
    found = attribute([0.0, 0.0], [np.zeros(length), np.full(length, 9.0)])
    assert found.winner is None
    assert math.isnan(found.error)


def test_one_candidate_does_not_win_against_nobody():
    found = attribute([0.0], [np.zeros(LONG)])
    assert found.winner is None
    assert found.order == (0,)


def test_nothing_that_all_know_gives_no_number():
    found = attribute([0.0, 0.0], [np.full(9, math.nan), np.zeros(9)])
    assert found.counted == 0
    assert all(map(math.isnan, (*found.bits, found.margin)))


def test_the_error_of_neighbours_that_are_alike_is_larger():
    """As large as that of so many independent ones as there are stretches."""
    chance = np.random.default_rng(1)
    independent = chance.normal(0, 1, 200 * STRETCH)
    alike = np.repeat(chance.normal(0, 1, 200), STRETCH)
    assert standard_error(independent) == pytest.approx(1 / math.sqrt(len(independent)), rel=0.2)
    assert standard_error(alike) == pytest.approx(1 / math.sqrt(200), rel=0.2)
