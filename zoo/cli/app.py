"""What every command has at hand: the home, its registry, the plugins; made when first asked for."""

import time
from functools import cached_property
from typing import TYPE_CHECKING

from zoo.cli.terminal import one_line, say
from zoo.events import Event, Note, Warned
from zoo.home import Home, find_home
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

    @cached_property
    def plugins(self) -> "Plugins":
        from zoo.plugins import Plugins  # pluggy and the scan of entry points are only for those who need them

        return Plugins(third_party=self._third_party_plugins, on_event=say_event)


def say_event(event: Event) -> None:
    """Notes and warnings, as lines on stderr."""
    if isinstance(event, Warned):
        say(f"zoo: warning: {one_line(event.text)}")
    elif isinstance(event, Note):
        say(f"zoo: {one_line(event.text)}")
