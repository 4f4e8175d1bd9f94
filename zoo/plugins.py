"""Finds the plugins, loads each alone, and calls them so that a broken one costs a warning and its own offers."""

import inspect
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from zoo import hooks
from zoo.containment import Guard, Raised, aloud, failure
from zoo.corpora.corpus import Corpus
from zoo.corpora.dataset import Dataset, Opened, ReadOptions, way_to_fetch
from zoo.corpora.vocab import KINDS, Vocab
from zoo.distributions import OURS, Package, entry_points
from zoo.errors import BadData, NotFound, PluginFailure, UsageProblem, ZooError, did_you_mean
from zoo.events import OnEvent, Warned, ignore
from zoo.masking import masked_source

GROUP = "zoo"
BUNDLED = "zoo_plugins"


@dataclass
class Plugin:
    """One plugin and how loading it went."""

    name: str
    source: str
    version: str
    bundled: bool
    hooks: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    load_seconds: float = 0.0
    error: str = ""


class Plugins:
    """All plugins of this installation, loaded when first needed.

    `third_party` False leaves out everything but the bundled ones; so does ZOO_LOAD_PLUGINS, which lists the names of
    those to load (an empty value: none).
    """

    def __init__(self, *, third_party: bool = True, on_event: OnEvent = ignore) -> None:
        self._third_party = third_party
        self._on_event = on_event
        self._manager = pluggy.PluginManager(hooks.PROJECT)
        self._manager.add_hookspecs(hooks)
        self._by_module: dict[int, Plugin] = {}
        self._guard = Guard(on_event)

    @cached_property
    def loaded(self) -> list[Plugin]:
        """Every plugin, bundled first, broken ones with their error."""
        return [self._load(*offer) for offer in self._entry_points()]

    def _entry_points(self) -> list[tuple[EntryPoint, Package, bool]]:
        """Return the entry points of our group, each once, with package and whether it is bundled: bundled ones first,
        then by name."""
        chosen = os.environ.get("ZOO_LOAD_PLUGINS")
        names = None if chosen is None else {name.strip() for name in chosen.split(",")} - {""}
        only_ours = not self._third_party or names == set()
        found: dict[tuple[str, str], tuple[EntryPoint, Package, bool]] = {}
        for entry, package in entry_points(GROUP, only_ours=only_ours, on_event=self._on_event):
            bundled = package.normalized_name == OURS and entry.value.split(".")[0] == BUNDLED
            if bundled or (not only_ours and (names is None or entry.name in names)):
                found.setdefault((entry.name, entry.value), (entry, package, bundled))
        return sorted(found.values(), key=lambda offer: (not offer[2], offer[0].name))

    def _load(self, entry: EntryPoint, package: Package, bundled: bool) -> Plugin:
        plugin = Plugin(entry.name, *package.about(), bundled)
        begin = time.perf_counter()
        try:
            with self._guard.contained(plugin.name):
                self._register(plugin, entry.load())
        except ZooError as error:
            plugin.error = str(error)
            self._warn(f"plugin '{plugin.name}' is left out: {plugin.error}")
        plugin.load_seconds = time.perf_counter() - begin
        return plugin

    def _register(self, plugin: Plugin, module: ModuleType) -> None:
        """Register a module, or refuse it for a hook that does not exist or arguments that the hook does not have."""
        if self._manager.is_registered(module):
            raise PluginFailure("its module is loaded already, under another name")
        try:
            self._manager.register(module, plugin.name)
            plugin.hooks = [caller.name for caller in self._manager.get_hookcallers(module) or ()]
            known = [name for name in vars(hooks) if name.startswith("zoo_")]
            for name in plugin.hooks:
                if name not in known:
                    raise PluginFailure(f"there is no hook '{name}'{did_you_mean(name, known)}")
                if inspect.isgeneratorfunction(getattr(module, name)) and name != "zoo_datasets":
                    raise PluginFailure(
                        f"its {name} yields, and so could never return None; return an iterator instead"
                    )
            if not plugin.hooks:
                raise PluginFailure("it implements no hook; mark its functions with @hookimpl")
        except BaseException:
            if self._manager.is_registered(module):
                self._manager.unregister(module)
            plugin.hooks = []
            raise
        self._by_module[id(module)] = plugin

    def _warn(self, text: str) -> None:
        self._on_event(Warned(text))

    def _implementations(self, hook: str, *, bundled_first: bool = False) -> list[tuple[Plugin, Any]]:
        """The implementations of a hook in pluggy's order: those registered last, and so strangers', are asked first,
        but for hooks that offer something by name, where a bundled name must not be taken over."""
        _ = self.loaded
        order = reversed(getattr(self._manager.hook, hook).get_hookimpls())
        found = [(self._by_module[id(implementation.plugin)], implementation) for implementation in order]
        return sorted(found, key=lambda pair: not pair[0].bundled) if bundled_first else found

    def _answers(self, hook: str, *, bundled_first: bool = False, **arguments: Any) -> Iterator[tuple[Plugin, Any]]:
        """What the implementations of a hook return, None left out.

        One that raises costs a warning and the next is asked; a ZooError is an answer: the plugin knows what is wrong.
        When one ran out of memory or stack, that is raised after the last was asked: it might have answered.
        """
        exhausted: ZooError | None = None
        for plugin, implementation in self._implementations(hook, bundled_first=bundled_first):
            try:
                with self._guard.contained(plugin.name):
                    # only what it declares, as pluggy would
                    answer = implementation.function(*(arguments[name] for name in implementation.argnames))
            except Raised as error:
                plugin.error = str(error)
                self._warn(f"plugin '{plugin.name}' failed in {hook}: {plugin.error}")
                if isinstance(error.__cause__, MemoryError | RecursionError):
                    exhausted = failure(plugin.name, error)
                continue
            if answer is not None:
                yield plugin, answer
        if exhausted:
            raise exhausted

    @cached_property
    def datasets(self) -> dict[str, Dataset]:
        """Every offered dataset by name, bundled plugins first; of two with one name the first wins, said."""
        offered: dict[str, Dataset] = {}
        for plugin, implementation in self._implementations("zoo_datasets", bundled_first=True):
            try:
                answer = self._guard.datasets(plugin.name, implementation.function)
            except ZooError as error:
                plugin.error = str(error)
                self._warn(f"plugin '{plugin.name}' offers no datasets: {plugin.error}")
                continue
            for dataset in answer:
                if dataset.name in offered:
                    self._warn(f"dataset '{dataset.name}' of plugin '{plugin.name}' is left out: the name is taken")
                    continue
                offered[dataset.name] = dataset
                plugin.datasets.append(dataset.name)
        return offered

    def dataset(self, name: str, fetched: Iterable[str] = ()) -> Dataset:
        """The dataset of that name; raises NotFound with a suggestion, which may be one of the `fetched` names too."""
        if name not in self.datasets:
            raise NotFound(
                f"no dataset named '{name}'{did_you_mean(name, [*fetched, *self.datasets])} "
                f"(see: zoo datasets; a text of your own: {way_to_fetch(name)})"
            )
        return self.datasets[name]

    def open(self, source: str, options: ReadOptions) -> Opened:
        """Open a source with the first plugin that can read it; raises NotFound or BadData when none can."""
        options = replace(options, on_event=aloud(options.on_event))
        for plugin, documents in self._answers("zoo_open", source=source, options=options):
            return Opened(self._guard.documents(plugin.name, documents), plugin.bundled)
        if not Path(source).exists():
            raise NotFound(f"there is no file or directory {masked_source(source)}")
        raise BadData(f"no plugin can read {masked_source(source)} (see: zoo plugins)")

    def vocab(self, name: str, corpus: Corpus) -> Vocab:
        """The vocabulary of that name for a corpus; raises UsageProblem when no plugin knows it."""
        for plugin, vocab in self._answers("zoo_vocab", bundled_first=True, name=name, corpus=corpus):
            if not any(type(vocab) is kind for kind in KINDS):  # what vocab.json holds must load without the plugin
                kinds, given = " or ".join(kind.__name__ for kind in KINDS), type.__repr__(type(vocab))
                raise PluginFailure(f"plugin '{plugin.name}' gave {given} for '{name}', not {kinds}")
            return vocab  # type: ignore[no-any-return]
        raise UsageProblem(f"no plugin knows the vocabulary '{name}'; bundled: characters, bytes")
