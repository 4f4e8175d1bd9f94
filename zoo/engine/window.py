"""What a model sees of a text longer than its context: `half-window/v1`, the same in every engine."""


def window_start(n: int, block_size: int) -> int:
    """Where the window begins that predicts id number n, counting from 0, out of ids 0 to n - 1.

    While n <= block_size all ids are seen. An id that no longer fits cuts the window down to its last block_size // 2
    ids, whose positions are counted anew, and the id follows them; then the window grows again.
    """
    if n <= block_size:
        return 0
    advance = block_size - block_size // 2
    return -(-(n - block_size) // advance) * advance
