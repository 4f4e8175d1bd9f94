"""What was typed into chats: a JSON string a line in the home's .zoo/history, which its owner alone can read."""

import contextlib
import json

from zoo import files
from zoo.errors import ZooError
from zoo.home import Home

LIMIT = 2**20  # bytes, from which on the older half goes
MOST = 2**26  # bytes that are read of what somebody else has put there


def read(home: Home) -> list[str]:
    """The lines, the oldest first; none where there is no history, or none that can be read."""
    lines: list[str] = []
    with contextlib.suppress(ZooError):
        files.keep_to_owner(home.history)
        for line in files.read_text(home.history, limit=MOST).splitlines():
            with contextlib.suppress(ValueError):
                lines += [entry] if isinstance(entry := json.loads(line), str) else []
    return lines


def add(home: Home, line: str) -> None:
    """Remember a line, in a home that is one; what cannot be remembered is not worth an error."""
    if not home.history.parent.is_dir():
        return
    with contextlib.suppress(ZooError, OSError):
        if home.history.exists() and home.history.stat().st_size > LIMIT:
            kept = read(home)
            files.write_bytes(home.history, "".join(f"{json.dumps(old)}\n" for old in kept[len(kept) // 2 :]).encode())
        else:
            files.write_new(home.history, b"")
        files.keep_to_owner(home.history)
        files.append_line(home.history, json.dumps(line))
