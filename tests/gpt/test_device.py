"""Which number format matrices are multiplied in."""

import itertools
from collections.abc import Callable

import pytest
import torch

from zoo.gpt.device import choose_dtype


def taking(*seconds: float) -> Callable[[], float]:
    """A clock on which things take so long, one after the other and again: a product in float32, one in bfloat16."""
    times = itertools.accumulate(itertools.chain.from_iterable((0.0, took) for took in itertools.cycle(seconds)))
    return lambda: next(times)


@pytest.mark.parametrize(("bfloat16", "chosen"), [(0.25, "bfloat16"), (0.9, "float32"), (40.0, "float32")])
def test_a_cpu_multiplies_in_bfloat16_where_that_is_much_faster(bfloat16, chosen):
    assert choose_dtype("cpu", clock=taking(1.0, bfloat16)) == chosen


def test_one_slow_product_decides_nothing():
    assert choose_dtype("cpu", clock=taking(1.0, 9.0, 1.0, 0.25)) == "bfloat16"


@pytest.mark.parametrize("wanted", ["float32", "bfloat16"])
def test_what_is_asked_for_is_not_tried_out(wanted):
    assert choose_dtype("cpu", wanted, clock=taking()) == wanted


def test_to_try_it_out_changes_nothing_that_torch_holds():
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    torch.set_default_device("meta")
    try:
        choose_dtype("cpu")
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_default_device(None)
        torch.set_num_threads(before)
