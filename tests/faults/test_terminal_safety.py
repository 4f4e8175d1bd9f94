"""Whatever stands in texts, records, names, files and plugins, and whatever a model says: no terminal obeys it.

One process runs command after command on a real pseudo-terminal; every byte that comes out of it is looked at.
"""

import contextlib
import fcntl
import itertools
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.strings import OURS, PIECES, install_plugins, make_home, make_texts, plain, strings, utf8
from tiny import tiny_settings

from zoo.cli import COMMANDS
from zoo.home import Home

BATCH = 40  # strings in one home
PATIENCE = 60
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
INVISIBLE = {*map(chr, [*range(0x200B, 0x2010), *range(0x2060, 0x2070), *range(0xE0000, 0xE0080)]), "\u061c", "\ufeff"}
MARK = "<end of the command>"
END = re.compile(rb"\r\n(\d+)" + MARK.encode() + rb"\r\n$")

# Runs what it is told, a list of words a line, as `zoo` would, and marks on the terminal where each command ends.
SERVER = """
import json, os, signal, sys, termios
from zoo.cli import main
for line in os.fdopen(int(sys.argv[1])):
    try:
        main(json.loads(line))
    except SystemExit as end:
        code = end.code
    signal.signal(signal.SIGINT, signal.default_int_handler)
    termios.tcflush(0, termios.TCIFLUSH)  # what was typed for nobody
    print(f"\\n{code}" + sys.argv[2], flush=True)
"""


class Terminal:
    """A pseudo-terminal with a zoo behind it."""

    def __init__(self, environment: dict[str, str], directory: Path) -> None:
        self.master, slave = pty.openpty()
        orders, self.orders = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(orders), MARK],
            stdin=slave, stdout=slave, stderr=slave, pass_fds=[orders],
            env=environment, cwd=directory, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        os.close(orders)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def run(self, args: list[str]) -> tuple[int, str]:
        """What a command ended with, and all that reached the terminal meanwhile."""
        typed = "The\nquit\n" if "chat" in args else ""
        os.write(self.master, typed.encode())
        os.write(self.orders, json.dumps(args).encode() + b"\n")
        seen, deadline = b"", time.monotonic() + PATIENCE
        while not (end := END.search(seen)):
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, (args, seen[-2000:])
            seen += os.read(self.master, 2**16)
        return int(end[1]), seen[: end.start()].decode("utf-8", "surrogateescape")

    def close(self) -> None:
        os.close(self.orders)
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def obeyed(output: str) -> list[str]:
    """The characters that a terminal would obey, but for what zoo itself sends."""
    rest = OURS.sub("", output).replace("\r\n", "\n")
    return [c for c in rest if c not in "\n\t" and is_obeyed(c)]


def is_obeyed(character: str) -> bool:
    """Whether it is a control character, half a character, or one that has an effect and no shape."""
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in BIDI
        or character in INVISIBLE
    )


class RudeServer(threading.Thread):
    """Answers every request with the next of these lines, as status or as the place to go on to."""

    def __init__(self, lines: Iterator[str]) -> None:
        super().__init__(daemon=True)
        self.lines = lines
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/text"

    def run(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self.socket.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(2**16)
                    line = " ".join(utf8(next(self.lines)).split("\n")).encode()
                    status = b"HTTP/1.1 404 " + line, b"HTTP/1.1 302 Found\r\nLocation: " + line, line
                    connection.sendall(status[len(line) % 3] + b"\r\nContent-Length: 0\r\n\r\n")


MODEL, PATHS = "talker", ("{files}", "{url}")
TRAIN = ["train", "-d", "evil", "-n", "new", *tiny_settings(max_steps=3, eval_every=2, log_every=1)]
# every command on a home that is full of strings
TOUR: list[list[str]] = [
    *(words.split() for words in (
        "list", "list --json", "list -q", "show row-0", "show row-1", "show row-2 --json", "show talker", "compare",
        "compare --json", "compare --csv", "compare --md", "compare row-0 row-1", "compare row-0 row-1 talker --csv",
        "compare row-0 row-1 --md", "list dataset!=x --sort dataset", "compare row-0 row-1 talker --all",
        "verify row-0 talker", "verify row-1 --json", "doctor", "doctor --json", "datasets", "datasets --json",
        "datasets evil", "datasets evil --json", "datasets offer", "datasets odes", "fetch offer", "fetch odes",
        "plugins", "plugins --json", "presets", "presets nano", "generate talker --max-new 300 --seed 1",
        "generate row-3 The --max-new 9", "chat talker --max-new 100 --seed 1", "reproduce row-0",
        "reproduce tiny-nano",
        "surprise talker {file}", "surprise talker {file} --top 9", "surprise talker {file} --vs tiny-nano",
        "novelty talker --show --num 2 --max-new 99 --min-span 2", "novelty talker --text {file} --show",
        "timeline talker", "eval talker --on {file}", "eval talker row-0 --json", "matrix", "matrix talker --json",
        "who {file} talker shakespeare-m2", "report", "matrix talker --plot {file}.svg",
        "completion bash", "fetch files --from {files} --glob *", "fetch one --from {file}", "fetch net --from {url}",
    )),
    TRAIN,
    *(words.split() for words in (
        "resume row-3", "resume new", "rename row-1 other", "rm row-2", "rm damaged", "restore row-2",
        "doctor --repair", "list", "datasets", "doctor",
    )),
]  # fmt: skip
# one string where a reader types a word
FORMS: list[list[str]] = [
    *([name, "{}"] for name in COMMANDS),
    *(words.split() for words in (
        "{}", "{} list", "--{} list", "--home {} list", "list --{}", "list {}=1", "list dataset={}", "list --sort {}",
        "fetch x --from {}", "fetch x --from https://{}/",
        "fetch x --from {file} --encoding {}", "fetch x --from {files} --glob {}", "train -d {}", "train -d evil -n {}",
        "train -d evil -p {}", "train -d evil --set {}", "train -d evil --set n_layer={}", "train -d evil --set {}=1",
        "train -d evil --vocab {}", "train -d evil --device {}", "train -d evil --seed {}", "rename tiny-nano {}",
        "rename {} other", "generate talker {} --max-new 9", "generate talker {} --echo --unknown skip --max-new 9",
        "generate talker --unknown {} a", "generate talker --temperature {}", "chat talker --top-k {}",
        "surprise talker {}", "surprise talker {file} --encoding {}", "surprise {} {file}",
        "surprise talker {file} --html {}", "novelty talker --text {}", "novelty talker --text {file} --encoding {}",
        "timeline talker {}", "timeline talker --steps {}", "eval talker --on {}", "eval {}", "matrix --on {}",
        "who {}", "who {file} talker {}", "report {} -o x.html", "report talker -o {}", "matrix --plot {}",
    )),
]  # fmt: skip


@pytest.mark.timeout(3600)
def test_no_terminal_obeys_a_string(trained_home, tmp_path, size, chance, request):
    """Each string is in a home that every command is run on, and a word of one command line."""
    install_plugins(tmp_path / "site")
    home, said = Home(tmp_path / "home"), tmp_path / "said.json"
    environment = {
        **os.environ, "ZOO_HOME": str(home.path), "EVIL": str(said), "TERM": "xterm-256color",
        "PYTHONPATH": str(tmp_path / "site"), "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    del environment["COLUMNS"]
    failures: Counter[str] = Counter()
    examples: dict[str, str] = {}
    codes: Counter[int] = Counter()
    short = tiny_settings(max_steps=1)  # some strings are fine names
    forms = itertools.cycle([[*form, *short] if form[0] == "train" else form for form in FORMS])
    lines = iter(lambda: chance.choice(batch), None)
    (tmp_path / "work").mkdir()
    terminal, server = Terminal(environment, tmp_path / "work"), RudeServer(lines)
    request.addfinalizer(terminal.close)
    request.addfinalizer(server.socket.close)
    server.start()

    def run(args: list[str]) -> None:
        code, output = terminal.run(args)
        codes[code] += 1
        wrong = {f"{args[0]}: {c!r}" for c in obeyed(output)}
        if "Traceback" in output or code == 1:
            wrong.add(f"{args[0]}: a traceback")
        for what in wrong:
            failures[what] += 1
            examples.setdefault(what, f"{args}\n    {output[-600:]!r}")

    for _ in range(-(-size("strings") // BATCH)):
        batch = strings(BATCH, chance)
        said.write_text(json.dumps([utf8(text) for text in batch]), encoding="utf-8")
        make_home(home, trained_home, batch, chance)
        make_texts(tmp_path / "files", batch, chance)
        places = {
            "{files}": str(tmp_path / "files"),
            "{file}": str(max((tmp_path / "files").iterdir())),
            "{url}": server.url,
        }
        terminal.resize(chance.choice([40, 80, 200]))
        for text in batch:
            run([places.get(word, word.replace("{}", plain(text))) for word in next(forms)])
        for args in TOUR:
            run([places.get(word, word) for word in args])
    assert not failures, "\n".join(f"{times} x {what}\n    {examples[what]}" for what, times in failures.items())
    assert {0, 2, 3, 4} <= {*codes}, codes
    print(f"commands by exit code: {dict(codes)}")


@pytest.mark.parametrize("piece", [piece for piece in PIECES if obeyed(piece)], ids=ascii)
def test_the_look_at_what_came_out_finds_what_a_terminal_would_obey(piece):
    assert obeyed(f"\x1b[1mtext\x1b[0m\r\n{piece}x\t\r\n")


def test_what_zoo_itself_sends_is_no_offence():
    assert not obeyed(
        "\x1b[1;36mhead\x1b[0m\r\n\x1b[?25l\x1b[38;5;237m---\x1b[0m\r\x1b[2K\x1b[1A\x1b[2K\x1b[?25h>> é東\r\n"
    )
