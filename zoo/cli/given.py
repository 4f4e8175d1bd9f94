"""A text that is given to be measured: a file of any form, or standard input."""

import sys
from pathlib import Path

from zoo.cli.terminal import say

PIPE, PIPE_NAME = "-", "standard input"


def name_of(file: str) -> str:
    """What a file, or `-`, is called."""
    return PIPE_NAME if file == PIPE else file


def read_given(file: str, encoding: str | None, *, unwrap: bool = False) -> str:
    """The text of a file, or of standard input for `-`, as a corpus of it would have it; says what was changed in it.
    Raises as `read_whole` does."""
    from zoo.corpora.dataset import ReadOptions
    from zoo.reading.document import read_stream, read_whole
    from zoo.reading.unwrap import unwrap as joined

    if file == PIPE:
        text, changes = read_stream(PIPE_NAME, sys.stdin.buffer, encoding)
        text = joined(text)[0] if unwrap else text
    else:
        text, changes = read_whole(Path(file), ReadOptions(encoding=encoding, unwrap=unwrap))
    for change, times in changes.items():
        say(f"{change}: {times:,}")
    return text
