"""For those who write plugins: whether a dataset keeps the contract of docs/plugins.md.

from zoo.testing import check_dataset

def test_the_contract_holds():
    check_dataset("stdlib")
"""

import contextlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from zoo.corpora.corpus import Corpus
from zoo.corpora.dataset import Dataset, ReadOptions
from zoo.corpora.fetch import Wish, fetch
from zoo.errors import NotFound, ZooError
from zoo.events import Event, OnEvent, Warned
from zoo.home import Home
from zoo.plugins import Plugin, Plugins

HEAVY = ("torch", "numpy", "requests")
PROBED_CHARACTERS = 100_000
_PROBE = f"""
import json, os, random, sys
from zoo.plugins import Plugins
plugins, reached = Plugins(), []
sys.addaudithook(lambda event, _: reached.append(event) if event in ("socket.connect", "subprocess.Popen") else None)
state, environment = random.getstate(), dict(os.environ)
plugins.datasets
reached += ["random numbers"] * (random.getstate() != state) + ["the environment"] * (dict(os.environ) != environment)
print(json.dumps([name for name in {HEAVY} if name in sys.modules] + reached))
"""


def check_dataset(name: str, source: str | Path | None = None) -> None:
    """Assert that the dataset `name`, which an installed plugin offers, keeps the contract.

    Its text is fetched twice, into homes that are deleted. `source` is a text to take in place of one that needs a
    network or that the reader must bring. Raises AssertionError that says what is broken.
    """
    said: list[str] = []
    environment = dict(os.environ)
    plugins = Plugins(on_event=_warnings_into(said))
    _require(name in plugins.datasets, f"no plugin offers '{name}'; {'; '.join(said) or 'is it installed?'}")
    plugin = next(plugin for plugin in plugins.loaded if name in plugin.datasets)
    _check_offer(plugins.datasets[name])
    _check_start(plugin, environment)
    _check_restraint(plugin)
    with tempfile.TemporaryDirectory() as place:
        with _undisturbed():
            first, again = (_fetch(Path(place, home), plugins, name, source, said) for home in ("first", "again"))
        _check_text(first, again)
        _check_vocab(plugins, first)
    mine = [text for text in said if f"'{plugin.name}'" in text or f"'{name}'" in text]
    _require(not mine, "; ".join(mine))


def _require(holds: object, problem: str) -> None:
    if not holds:
        raise AssertionError(problem)


def _warnings_into(said: list[str]) -> OnEvent:
    """A callback that collects the warnings among events."""

    def on_event(event: Event) -> None:
        if isinstance(event, Warned):
            said.append(event.text)

    return on_event


def _check_offer(dataset: Dataset) -> None:
    _require(dataset.summary and "\n" not in dataset.summary, "the summary is half a line about the text")
    _require(dataset.licence not in ("", "unknown"), "the licence says under which terms the text stands")
    _require(not (dataset.private and dataset.public), "a text is private or public, not both")
    _require(dataset.source or dataset.instructions, "without a source, instructions say what to type")
    _require(dataset.sha256 is None or re.fullmatch("[0-9a-f]{64}", dataset.sha256), "sha256 is 64 small hex digits")


def _check_start(plugin: Plugin, environment: dict[str, str]) -> None:
    """Every plugin is loaded before a dataset is looked up, so none may be slow."""
    found_by = os.pathsep.join(filter(None, sys.path))
    settings = {**environment, "ZOO_LOAD_PLUGINS": plugin.name, "PYTHONPATH": found_by}
    command = [sys.executable, "-c", _PROBE]
    probe = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    _require(probe.returncode == 0, f"its plugin cannot be loaded: {probe.stderr.strip()[-300:]}")
    found = json.loads(probe.stdout)
    _require(not found, f"importing it and asking for its datasets reaches for {', '.join(found)}")


def _check_restraint(plugin: Plugin) -> None:
    """An opener that takes what is not its own takes it from others."""
    foreign = "zoo-testing:a source of nobody's"
    try:
        with _only(plugin):
            Plugins().open(foreign, ReadOptions())
    except NotFound:
        return
    except ZooError as error:
        raise AssertionError(f"zoo_open must return None for a source that it cannot read, and says: {error}") from None
    raise AssertionError(f"zoo_open must return None for a source that it cannot read, and took {foreign!r}")


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Require that what others use as well is left as it was."""
    before, environment = random.getstate(), dict(os.environ)
    random.seed()  # to numbers that nobody else would come to
    state = random.getstate()
    try:
        yield
        _require(random.getstate() == state, "it draws from or seeds Python's random numbers, which are not its own")
        _require(dict(os.environ) == environment, "it changes the environment")
    finally:
        random.setstate(before)


@contextlib.contextmanager
def _only(plugin: Plugin) -> Iterator[None]:
    """Load no other stranger's plugin than this."""
    before = os.environ.get("ZOO_LOAD_PLUGINS")
    os.environ["ZOO_LOAD_PLUGINS"] = "" if plugin.bundled else plugin.name
    try:
        yield
    finally:
        del os.environ["ZOO_LOAD_PLUGINS"]
        if before is not None:
            os.environ["ZOO_LOAD_PLUGINS"] = before


def _fetch(home: Path, plugins: Plugins, name: str, source: str | Path | None, said: list[str]) -> Corpus:
    wish = Wish(sources=() if source is None else (str(source),))
    dataset = plugins.datasets[name]
    offered = plugins.datasets.values()
    return fetch(Home(home), dataset, wish, opener=plugins.open, offered=offered, on_event=_warnings_into(said))


def _check_text(first: Corpus, again: Corpus) -> None:
    documents = list(first.documents_listed())
    _require(documents == list(again.documents_listed()), "the documents differ, or come in another order, each time")
    _require(first.sha256 == again.sha256, "the text is another each time")
    _require(first.changes == again.changes, "what was changed on the way differs each time")
    names = [document["name"] for document in documents]
    _require(all(names), "every document has a name")
    _require(len(set(names)) == len(names), "two documents have one name")
    _require("\0" not in first.alphabet, "the text holds NUL")


def _check_vocab(plugins: Plugins, corpus: Corpus) -> None:
    vocab = plugins.vocab(corpus.vocab, corpus)
    _require(
        not vocab.unknown("".join(corpus.alphabet)), f"its vocabulary '{corpus.vocab}' lacks characters of the text"
    )
    text = next(corpus.blocks())[:PROBED_CHARACTERS]
    _require(vocab.decode(vocab.encode(text)) == text, f"its vocabulary '{corpus.vocab}' does not give the text back")
