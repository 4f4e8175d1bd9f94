"""What the reader names as a text: a file, standard input, or the validation part of a text that was fetched."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cli.app import App
from zoo.cli.given import PIPE, name_of, read_given
from zoo.errors import NotFound, did_you_mean
from zoo.names import is_name

if TYPE_CHECKING:
    from zoo.measure.passage import Passage


def passage_named(app: App, word: str, encoding: str | None) -> "Passage":
    """The validation part of the fetched text of that name, or else the text of a file.

    Raises NotFound when there is neither.
    """
    from zoo.corpora.corpus import corpus_names, open_corpus
    from zoo.measure.passage import passage_of, validation_part

    fetched = corpus_names(app.home)
    if word in fetched:
        return validation_part(open_corpus(app.home, word))
    if word == PIPE or os.path.exists(word):  # noqa: PTH110 - which does not mind a name that can be none
        return passage_of(Path(name_of(word)).name, read_given(word, encoding))
    if is_name(word) and word in app.plugins.datasets:
        raise NotFound(f"'{word}' is not fetched (see: zoo fetch {word})")
    raise NotFound(f"no text was fetched as '{word}', and no file is called so{did_you_mean(word, fetched)}")
