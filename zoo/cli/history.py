"""What was typed into chats: a JSON string a line in the home's .zoo/history, which its owner alone can read."""

import contextlib
import json

from zoo import files
from zoo.cli.terminal import one_line, say
from zoo.errors import NotFound, ZooError
from zoo.home import Home

LIMIT = 2**20  # bytes, from which on the older half goes
MOST = 2**26  # bytes that are read of what somebody else has put there


class History:
    """The lines of a home, the oldest first. Where the file cannot be used it is left as it is, which is said once."""

    def __init__(self, home: Home) -> None:
        self._path = home.history
        self._is_kept = self._path.parent.is_dir()
        self.lines: list[str] = []
        try:
            self.lines = self._read() if self._is_kept else []
        except ZooError as error:
            self._is_kept = False
            say(f"zoo: warning: this chat has no history: {one_line(str(error))}")

    def add(self, line: str) -> None:
        """Remember a line; a line that cannot be remembered is not worth an error."""
        if not self._is_kept:
            return
        with contextlib.suppress(ZooError, OSError):
            if self._path.exists() and self._path.stat().st_size > LIMIT:
                kept = self._read()
                files.write_bytes(
                    self._path, "".join(f"{json.dumps(old)}\n" for old in kept[len(kept) // 2 :]).encode()
                )
            else:
                files.write_new(self._path, b"")
            files.keep_to_owner(self._path)
            files.append_line(self._path, json.dumps(line))

    def _read(self) -> list[str]:
        """Return the lines, without those that are damaged. Raises ZooError when the file cannot be used."""
        lines: list[str] = []
        files.refuse_link(self._path)
        try:
            text = files.read_text(self._path, limit=MOST)
        except NotFound:
            return lines
        files.keep_to_owner(self._path)
        for line in text.splitlines():
            with contextlib.suppress(ValueError, RecursionError):
                lines += [entry] if isinstance(entry := json.loads(line), str) else []
        return lines
