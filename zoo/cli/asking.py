"""Asking the reader for a prompt: with history, editing and completion where prompt_toolkit is, else plainly."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from zoo.cli.terminal import is_terminal

PROMPT, CONTINUED = ">> ", ".. "
QUOTES = '"""'
Completions = Callable[[str], Iterable[str]]  # from a line to the words that its last one may become


class Asker:
    """Reads prompts from the terminal. `completions` are for Tab, `history` is a file, or None for none."""

    def __init__(self, completions: Completions, history: Path | None) -> None:
        self._line = _toolkit(completions, history) if _is_capable() else _plain()

    def ask(self) -> str:
        """A prompt: a line, or all lines between two times three quotes. Raises EOFError and KeyboardInterrupt."""
        line = self._line(PROMPT)
        if not line.startswith(QUOTES):
            return line
        lines = [line.removeprefix(QUOTES)]
        while not lines[-1].endswith(QUOTES):
            lines.append(self._line(CONTINUED))
        lines[-1] = lines[-1].removesuffix(QUOTES)
        return "\n".join(lines)


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


def _toolkit(completions: Completions, history: Path | None) -> Callable[[str], str]:
    """A reader of lines by prompt_toolkit; a plain one without it, or where it cannot work."""
    os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")  # the question where the cursor is, which not all answer
    try:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import Completer, Completion
        from prompt_toolkit.history import FileHistory, History, InMemoryHistory
        from prompt_toolkit.key_binding import KeyBindings
        from prompt_toolkit.output import ColorDepth
    except ImportError:
        return _plain()

    class Words(Completer):
        def get_completions(self, document: Any, complete_event: Any) -> Iterable[Any]:
            line = document.text_before_cursor
            last = line.rpartition(" ")[2]
            for word in completions(line):
                yield Completion(word, start_position=-len(last))

    class Private(FileHistory):
        """A history that only its owner can read, and that is not worth an error."""

        def store_string(self, string: str) -> None:
            with contextlib.suppress(OSError):
                os.close(os.open(self.filename, os.O_CREAT | os.O_WRONLY, 0o600))
                super().store_string(string)

    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    kept: History = InMemoryHistory() if history is None else Private(str(history))
    depth = ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None
    session: Any = PromptSession(
        history=kept, completer=Words(), complete_while_typing=False, key_bindings=keys, color_depth=depth
    )
    return lambda prompt: str(session.prompt(prompt))
