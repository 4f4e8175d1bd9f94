"""The windows in which a text is scored."""

import pytest

from zoo.engine.window import window_start
from zoo.protocol import sliding_windows

SIZES = [1, 2, 3, 4, 7, 8, 64]


@pytest.mark.parametrize("block_size", SIZES)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8, 9, 16, 17, 64, 65, 200])
def test_sliding_windows_score_every_position_once_and_fit_the_context(block_size, n):
    scored = []
    for start, length, first in sliding_windows(n, block_size):
        assert 1 <= length <= block_size
        assert start < first <= start + length < n
        scored += range(first, start + length + 1)
    assert scored == list(range(1, n))


@pytest.mark.parametrize("block_size", SIZES)
def test_sliding_windows_see_what_a_model_sees_that_writes(block_size):
    for start, length, first in sliding_windows(5 * block_size + 3, block_size):
        for position in range(first, start + length + 1):
            assert window_start(position, block_size) == start
            assert position - start >= min(position, block_size // 2)
