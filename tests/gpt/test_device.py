"""Which number format matrices are multiplied in."""

import pytest
import torch

from zoo.gpt import device


def with_rates(monkeypatch: pytest.MonkeyPatch, float32: float, bfloat16: float) -> list[str]:
    """Give products of both formats a time, in seconds; returns the devices on which they were made."""
    seen = []

    def seconds(matrix: torch.Tensor) -> float:
        seen.append(str(matrix.device))
        return float32 if matrix.dtype == torch.float32 else bfloat16

    monkeypatch.setattr(device, "_seconds_of_product", seconds)
    return seen


@pytest.mark.parametrize(("bfloat16", "chosen"), [(0.25, "bfloat16"), (0.9, "float32"), (40.0, "float32")])
def test_a_cpu_multiplies_in_bfloat16_where_that_is_much_faster(monkeypatch, bfloat16, chosen):
    with_rates(monkeypatch, 1.0, bfloat16)
    assert device.choose_dtype("cpu") == chosen


def test_one_slow_product_decides_nothing(monkeypatch):
    times = iter([1.0, 9.0] + [1.0, 0.25] * 20)
    monkeypatch.setattr(device, "_seconds_of_product", lambda matrix: next(times))
    assert device.choose_dtype("cpu") == "bfloat16"


@pytest.mark.parametrize("wanted", ["float32", "bfloat16"])
def test_what_is_asked_for_is_not_tried_out(monkeypatch, wanted):
    seen = with_rates(monkeypatch, 1.0, 1.0)
    assert device.choose_dtype("cpu", wanted) == wanted
    assert seen == []


def test_another_default_device_changes_no_choice(monkeypatch):
    seen = with_rates(monkeypatch, 1.0, 0.25)
    torch.set_default_device("meta")
    try:
        assert device.choose_dtype("cpu") == "bfloat16"
    finally:
        torch.set_default_device(None)
    assert set(seen) == {"cpu"}
