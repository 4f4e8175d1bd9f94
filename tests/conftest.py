"""What the tests share: a home of their own, the command line in-process, a small text and a small model."""

import contextlib
import dataclasses
import io
import math
import os
import random
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: the tests run side by side
os.environ["OPENBLAS_NUM_THREADS"] = "1"
# bfloat16 is never the faster format then; else `--dtype auto` may choose differently from one plan to the next
os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX512_CORE"

from tiny import Outcome, empty, tiny_settings, write_tiny_text

from zoo.cli import run
from zoo.home import Home
from zoo.registry.record import CorpusPart, Record
from zoo.registry.registry import Registry

REPOSITORY = Path(__file__).resolve().parent.parent
CAMPAIGN = {
    "kills": (1_000, "processes killed while they write the registry"),
    "cold-kills": (60, "real trainings killed and resumed"),
    "writers": (64, "processes that write the registry at once"),
    "cuts": (5_000, "simulated power cuts"),
    "mutations": (10_000, "damaged files of each kind"),
    "downloads": (200, "downloads over bad lines and from lying servers"),
    "strings": (10_000, "strings sent through every command to a terminal"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The sizes of the tests in tests/faults: a tenth of the whole campaign, unless asked for."""
    group = parser.getgroup("campaign", "sizes of the fault campaign")
    group.addoption("--full", action="store_true", help="the whole campaign instead of a tenth")
    group.addoption("--chance", type=int, default=0, help="seed of all that is drawn at random (default: 0)")
    for name, (whole, what) in CAMPAIGN.items():
        group.addoption(f"--{name}", type=int, help=f"{what} (default: {whole // 10}, with --full {whole})")


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> Callable[[str], int]:
    """How much of the campaign to run: size("kills") is a count."""

    def of(name: str) -> int:
        whole = CAMPAIGN[name][0]
        asked = request.config.getoption(f"--{name}")
        return asked if asked is not None else whole if request.config.getoption("--full") else whole // 10

    return of


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Random numbers that repeat with --chance."""
    return random.Random(f"{request.config.getoption('--chance')} {request.node.name}")


class Input(io.TextIOWrapper):
    """Standard input that is no terminal; as the real one, it has bytes below its text."""

    def __init__(self, given: str | bytes) -> None:
        data = given if isinstance(given, bytes) else given.encode()
        super().__init__(io.BytesIO(data), encoding="utf-8", errors="replace")


@pytest.fixture(autouse=True)
def sealed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network but loopback, no home but the test's own, no settings of whoever runs the tests."""
    connect = socket.socket.connect

    def only_loopback(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family != socket.AF_UNIX and host not in ("127.0.0.1", "::1"):
            raise OSError(f"tests have no network: {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", only_loopback)
    for name in list(os.environ):
        if name.startswith("ZOO_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(autouse=True)
def attentive() -> Iterator[None]:
    """A shell that runs the tests in the background makes them, and all that they start, deaf to Ctrl-C; nohup makes
    them deaf to a hang-up."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {signum: signal.getsignal(signum) for signum in usual}
    for signum, handler in usual.items():
        if before[signum] is signal.SIG_IGN:
            signal.signal(signum, handler)
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The home that the commands of this test use; it does not exist yet."""
    return Home(tmp_path / "home")


@pytest.fixture
def zoo(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run a command line in-process: zoo("list", "--json") -> Outcome."""

    def invoke(*args: str, stdin: str | bytes = "") -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr("sys.stdin", Input(stdin))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(list(args))
        return Outcome(code, out.getvalue(), err.getvalue())

    return invoke


@pytest.fixture
def tiny_text(tmp_path: Path) -> Path:
    """A text file that is long enough to train a tiny model on."""
    path = tmp_path / "tiny.txt"
    path.write_text(write_tiny_text(), encoding="utf-8")
    return path


@pytest.fixture
def tiny_corpus(zoo: Callable[..., Outcome], tiny_text: Path) -> str:
    """The name of a fetched corpus."""
    assert zoo("fetch", "tiny", "--from", str(tiny_text)).code == 0
    return "tiny"


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Read texts in blocks of so many bytes, so that even a tiny one becomes a file of ids: cut(50)."""

    def into(size: int) -> None:
        for module in ("corpus", "tokens"):
            monkeypatch.setattr(f"zoo.corpora.{module}.BLOCK_BYTES", size)

    return into


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a fetched corpus `tiny` and a ready model `tiny-nano`, made once."""
    root = tmp_path_factory.mktemp("trained")
    (root / "tiny.txt").write_text(write_tiny_text(), encoding="utf-8")
    where = ["--home", str(root / "home")]
    quiet = io.StringIO()
    with contextlib.redirect_stderr(quiet):
        assert run([*where, "fetch", "tiny", "--from", str(root / "tiny.txt")]) == 0
        assert run([*where, "train", "-d", "tiny", *tiny_settings(max_steps=20)]) == 0, quiet.getvalue()
    return root / "home"


@pytest.fixture
def tiny_model(trained_home: Path, home: Home) -> Iterator[str]:
    """The name of a ready model in this test's home."""
    shutil.copytree(trained_home, home.path)
    yield "tiny-nano"


@pytest.fixture
def tiny_record(home: Home, tiny_model: str) -> Record:
    """What is recorded of the ready model."""
    return Registry(home).get(tiny_model).record


@pytest.fixture
def rivals(home: Home, tiny_record: Record) -> Registry:
    """A home with models of two texts and two protocols; but for the ready one, records alone."""
    registry = Registry(home)

    def add(name: str, **changes: object) -> None:
        record = dataclasses.replace(tiny_record, id=f"id of {name}", path=f"models/{name}", **changes)
        registry.claim(name, record, empty)

    other = CorpusPart(name="tiny", sha256="f" * 64, val_sha256="e" * 64, characters=9)
    add("worse", val_loss=9.0, val_bpc=12.9)
    add("best", val_loss=0.5, val_bpc=0.7)
    add("broken", val_loss=math.nan, status="diverged")
    add("fresh", val_loss=None, val_bpc=None, status="training")
    add("othertext", val_loss=0.1, val_bpc=0.2, corpora=(other,))
    add("otherway", val_loss=0.01, val_bpc=0.02, val_protocol="estimate/v0")
    return registry
