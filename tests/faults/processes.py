"""Real processes to kill, stop and signal: how they start, how they are watched, what a home must hold after them."""

import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from zoo import locks
from zoo.home import Home
from zoo.registry.document import read_records
from zoo.registry.registry import Registry
from zoo.registry.snapshots import check, snapshots

# A command line that gives itself a signal around the moment at which a file takes its place: argv holds the signal's
# number, how often, before or after, and a pattern for the path; then come the words of the command.
SELF_SIGNALLED = """
import os, re, sys
number, times, side, pattern = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], re.compile(sys.argv[4])
del sys.argv[1:5]
replace, rename = os.replace, os.rename
def ask(path):
    global times
    if times and pattern.search(os.fspath(path)):
        for _ in range(times):
            os.write(2, b"signal\\n")
            os.kill(os.getpid(), number)
        times = 0
def hooked(move):
    def moved(source, target, **options):
        if side == "before":
            ask(target)
        move(source, target, **options)
        if side == "after":
            ask(target)
    return moved
os.replace, os.rename = hooked(replace), hooked(rename)
from zoo.__main__ import main
main()
"""


class Ended(NamedTuple):
    """What a process left: its code as a shell shows it, what it said, and how long it took to end."""

    code: int
    out: str
    err: str
    seconds: float = 0.0


def spawn(home: Home, *args: str, python: tuple[str, ...] = ("-m", "zoo"), **options: object) -> subprocess.Popen:
    """A zoo of its own process, in a group of its own."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, *python, *args],
        env={**os.environ, "ZOO_HOME": str(home.path)},
        start_new_session=True,
        bufsize=0,  # what a look at a line has read too much would be lost to communicate
        **{**streams, **options},
    )


def end_of(process: subprocess.Popen, seconds: float = 60) -> Ended:
    """The end of a process, which must come in time."""
    begin = time.monotonic()
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"it did not end within {seconds} s: {process.communicate()}") from None
    texts = [(stream or b"").decode(errors="replace") for stream in (out, err)]
    return Ended(shown(process.returncode), *texts, time.monotonic() - begin)


def shown(code: int) -> int:
    """An exit code as a shell shows it: dead by signal n is 128 + n."""
    return 128 - code if code < 0 else code


def command(home: Home, *args: str, **options: object) -> Ended:
    """A command line in a process of its own, to its end."""
    return end_of(spawn(home, *args, **options))


def wait_until(happened: Callable[[], bool], process: subprocess.Popen, seconds: float = 60) -> bool:
    """Until something happened; False when the process ended without it."""
    deadline = time.monotonic() + seconds
    while not happened():
        if process.poll() is not None:
            return happened()
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.001)
    return True


def has_lines(path: Path, count: int) -> Callable[[], bool]:
    """Whether a log has so many lines."""
    return lambda: path.exists() and path.read_bytes().count(b"\n") >= count


def kill(process: subprocess.Popen) -> None:
    """End a process as nothing can defend itself against."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


def said_of_failure(ended: Ended) -> str:
    """The one line of a failure; fails when there is anything else on stderr that looks like one."""
    assert "Traceback" not in ended.err, ended
    assert "this is a bug" not in ended.err, ended
    lines = [line for line in ended.err.splitlines() if line.startswith("zoo: error: ")]
    assert len(lines) == 1, ended
    assert ended.err.splitlines()[-1] == lines[0], ended
    return lines[0]


def check_home(home: Home) -> dict[str, str]:
    """That the registry parses, every row has a directory with a whole model.toml of the same run, and nobody holds a
    lock; the status of each model."""
    if not home.registry.exists():
        return {}
    assert not locks.is_locked(home.lock("registry"))
    models = Registry(home).own()
    for name, model in models.items():
        card = read_records(model.directory / "model.toml")
        assert [(known, record.id) for known, record in card.items()] == [(name, model.record.id)]
        assert not model.is_running, name
    return {name: model.status for name, model in models.items()}


Outcome = tuple[str, bytes, bytes, list[str]]


def outcome_of(home: Home, name: str) -> Outcome:
    """What must not depend on how often a run was interrupted: the recorded hash, the weights, the log, the snapshots,
    whose names tell their hashes."""
    row = tomllib.loads(home.registry.read_text(encoding="utf-8"))["models"][name]
    directory = home.models / name
    weights = (directory / "weights.safetensors").read_bytes()
    kept = snapshots(directory).values()
    for path in kept:
        check(path)
    return row["weights_sha256"], weights, (directory / "log.jsonl").read_bytes(), [path.name for path in kept]


def begun_at(said: str) -> int:
    """The step at which a training began or went on, by what it said."""
    match = re.search(r"goes on at step ([\d,]+)", said)
    return int(match[1].replace(",", "")) if match else 0
