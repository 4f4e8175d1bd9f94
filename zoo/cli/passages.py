"""What the reader names as a text: a file, standard input, or the validation part of a text that was fetched."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cli.app import App
from zoo.cli.terminal import say
from zoo.errors import NotFound, did_you_mean
from zoo.names import is_name

if TYPE_CHECKING:
    from zoo.measure.passage import Passage

PIPE, PIPE_NAME = "-", "standard input"


def read_text(file: str, encoding: str | None, *, unwrap: bool = False) -> str:
    """The text of a file, or of standard input, as a corpus of it would have it; says what was changed in it."""
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


def passage_named(app: App, word: str, encoding: str | None) -> "Passage":
    """The validation part of the fetched text of that name, or else the text of a file.

    Raises NotFound when there is neither.
    """
    from zoo.corpora.corpus import corpus_names, open_corpus
    from zoo.measure.passage import passage_of, validation_part

    fetched = corpus_names(app.home)
    if word in fetched:
        return validation_part(open_corpus(app.home, word))
    if word == PIPE or Path(word).exists():
        name = PIPE_NAME if word == PIPE else Path(word).name
        return passage_of(name, read_text(word, encoding))
    if is_name(word) and word in app.plugins.datasets:
        raise NotFound(f"'{word}' is not fetched (see: zoo fetch {word})")
    raise NotFound(f"no text was fetched as '{word}', and no file is called so{did_you_mean(word, fetched)}")
