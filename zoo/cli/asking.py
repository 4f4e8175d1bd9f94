"""Asking the reader for a prompt: with history, editing and completion where prompt_toolkit is, else plainly."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from zoo.cli.terminal import is_terminal
from zoo.home import Home

PROMPT, CONTINUED = ">> ", ".. "
QUOTES = '"""'
Completions = Callable[[str], Iterable[str]]  # from a line to the words that its last one may become


class Said(NamedTuple):
    """What was typed; `quoted` is what stood between quotes, and so is no command."""

    text: str
    quoted: bool = False


class Asker:
    """Reads prompts from the terminal. `completions` are for Tab; a home that is one remembers what was typed."""

    def __init__(self, completions: Completions, home: Home) -> None:
        self._line = _toolkit(completions, home) if _is_capable() else _plain()

    def ask(self) -> Said:
        """A prompt: a line, or all lines between two times three quotes. Raises EOFError and KeyboardInterrupt."""
        line = self._line(PROMPT)
        if not line.startswith(QUOTES):
            return Said(line)
        lines = [line.removeprefix(QUOTES)]
        with contextlib.suppress(EOFError):  # which ends them too
            while not lines[-1].endswith(QUOTES):
                lines.append(self._line(CONTINUED))
        lines[-1] = lines[-1].removesuffix(QUOTES)
        return Said("\n".join(lines), quoted=True)


def _is_capable() -> bool:
    return is_terminal(sys.stdout) and is_terminal(sys.stdin)


def _plain() -> Callable[[str], str]:
    if sys.stdout.isatty():
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  # gives input() history and editing

    def line(prompt: str) -> str:
        if is_terminal(sys.stdout):
            return input(prompt)
        print(prompt, end="", file=sys.stderr, flush=True)  # where stdout is a file the prompt is no part of the text
        return input()

    return line


def _toolkit(completions: Completions, home: Home) -> Callable[[str], str]:
    """A reader of lines by prompt_toolkit; a plain one without it."""
    os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")  # the question where the cursor is, which not all answer
    try:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import Completer, Completion
        from prompt_toolkit.history import History
        from prompt_toolkit.key_binding import KeyBindings
        from prompt_toolkit.output import ColorDepth
    except ImportError:
        return _plain()
    from zoo.cli import history

    kept = history.History(home)

    class Words(Completer):
        def get_completions(self, document: Any, complete_event: Any) -> Iterable[Any]:
            line = document.text_before_cursor
            last = line.rpartition(" ")[2]
            for word in completions(line):
                yield Completion(word, start_position=-len(last))

    class Kept(History):
        def load_history_strings(self) -> Iterable[str]:
            return reversed(kept.lines)

        def store_string(self, string: str) -> None:
            kept.add(string)

    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    session: Any = PromptSession(
        history=Kept(),
        completer=Words(),
        complete_while_typing=False,
        key_bindings=keys,
        color_depth=ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None,
    )
    return lambda prompt: str(session.prompt(prompt))
