"""What every command has at hand: the home, its registry, the plugins; made when first asked for."""

import time
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from zoo.cli.terminal import one_line, say
from zoo.errors import NotFound
from zoo.events import Event, Note, Warned
from zoo.home import Home, find_home
from zoo.names import single
from zoo.registry.model import Model
from zoo.registry.registry import Registry

if TYPE_CHECKING:
    from zoo.plugins import Plugins


class App:
    """The state of one invocation; click carries it as ctx.obj."""

    def __init__(
        self, *, home: str | None = None, third_party_plugins: bool = True, began: float | None = None
    ) -> None:
        self.began = time.monotonic() if began is None else began
        self._home = home
        self._third_party_plugins = third_party_plugins

    @cached_property
    def home(self) -> Home:
        return find_home(self._home)

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.home)

    def models(self, words: Sequence[str]) -> list[Model]:
        """The models that words mean, each once: names, and those of which all filters hold, as in `zoo list`.

        Raises NotFound when there is none, and UsageProblem for a blend.
        """
        from zoo.registry.selection import is_filter, select

        filters = [word for word in words if is_filter(word)]
        found = self.registry.resolve_all([single(word) for word in words if not is_filter(word)])
        if filters:
            chosen = select(self.registry.models().values(), filters)
            if not chosen:
                raise NotFound(f"no model is like that: {' '.join(filters)} (see: zoo list)")
            found += chosen
        return list({model.name: model for model in found}.values())

    @cached_property
    def plugins(self) -> "Plugins":
        from zoo.plugins import Plugins  # pluggy and the scan of entry points are only for those who need them

        return Plugins(third_party=self._third_party_plugins, on_event=say_event)


def say_event(event: Event) -> None:
    """Print a note or a warning as one line on stderr."""
    if isinstance(event, Warned | Note):
        from zoo.masking import masked

        label = "warning: " if isinstance(event, Warned) else ""
        say(f"zoo: {label}{one_line(masked(event.text))}")
