"""Ctrl-C, a terminate signal, a hang-up: at every stage of real processes, and twice in a row; and closed or full
streams."""

import itertools
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from faults.processes import (
    SELF_SIGNALLED,
    Ended,
    Outcome,
    check_home,
    command,
    end_of,
    has_lines,
    outcome_of,
    said_of_failure,
    spawn,
    wait_until,
)
from tiny import tiny_settings, write_tiny_text

from zoo import files
from zoo.corpora.corpus import open_corpus
from zoo.home import Home

PATIENCE = 20.0  # seconds in which a process that was asked to end has to, beside whatever else the machine does
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
NAME = "tiny-nano"
SHORT = tiny_settings(max_steps=40, log_every=5, dropout=0.1)
ENDLESS = tiny_settings(max_steps=10**6, eval_every=50, log_every=10)
TRAIN = ("train", "-d", "tiny", "-n", NAME)


def signalled(process: subprocess.Popen, number: int, at: str) -> Ended:
    """Give a process a signal as soon as a line of its stderr matches; what it does then."""
    heard = []
    for raw in process.stderr:
        heard.append(raw.decode(errors="replace"))
        if re.search(at, heard[-1]):
            break
    else:
        pytest.fail(f"it never said {at}: {heard}")
    if process.poll() is None:
        process.send_signal(number)
    ended = end_of(process, PATIENCE)
    return ended._replace(err=without_imports("".join(heard) + ended.err))


def without_imports(said: str) -> str:
    """What a process said, without the lines of -X importtime."""
    return "".join(line for line in said.splitlines(keepends=True) if not line.startswith("import time:"))


def expect_end(ended: Ended, number: int) -> None:
    """That a process ended by a signal as a shell wants it, and said nothing that looks like a failure."""
    for complaint in ("Traceback", "Exception ignored", "bug in zoo", "zoo: error"):
        assert complaint not in ended.err, ended
    assert ended.code == 128 + number, ended
    assert ended.seconds < PATIENCE


def resumes_to(home: Home, wanted: Outcome) -> None:
    """That what a signal left goes on to the same end as if there had been none."""
    status = check_home(home).get(NAME)
    assert status in (None, "interrupted", "ready"), status
    if status != "ready":
        again = ("resume", NAME) if status else (*TRAIN, *SHORT)
        ended = command(home, *again)
        assert ended.code == 0, ended
    assert outcome_of(home, NAME) == wanted
    assert check_home(home) == {NAME: "ready"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What the short training comes to without a signal."""
    place = tmp_path_factory.mktemp("twin")
    (place / "tiny.txt").write_text(write_tiny_text(), encoding="utf-8")
    twin = Home(place / "home")
    assert command(twin, "fetch", "tiny", "--from", str(place / "tiny.txt")).code == 0
    assert command(twin, *TRAIN, *SHORT).code == 0
    return outcome_of(twin, NAME)


@pytest.mark.parametrize("module", ["click.exceptions", "click.core", "zoo.cli.terminal"])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_zoo_is_imported_ends_it_without_a_word(home, tiny_corpus, module, number):
    process = spawn(home, *TRAIN, *SHORT, python=("-X", "importtime", "-m", "zoo"))
    ended = signalled(process, number, rf"\| +{re.escape(module)}$")
    expect_end(ended, number)
    assert ended.err.strip() in ("", "zoo: interrupted")  # the latter where it came when the import was done
    assert check_home(home) == {}


def test_the_installed_command_ends_without_a_word_too(home, tiny_corpus):
    script = Path(sys.executable).with_name("zoo")
    process = spawn(home, *TRAIN, *SHORT, python=("-X", "importtime", str(script)))
    ended = signalled(process, signal.SIGINT, r"\| +click.core$")
    expect_end(ended, signal.SIGINT)
    assert ended.err == ""


def test_who_is_to_be_deaf_stays_deaf_while_zoo_is_imported(home, tiny_model):
    """As nohup and a shell's & ask for."""
    begin = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); from zoo.__main__ import main; main()"
    ended = signalled(
        spawn(home, "list", "-q", python=("-X", "importtime", "-c", begin)), signal.SIGINT, r"\| +click.core$"
    )
    assert (ended.code, ended.err) == (0, "")
    assert NAME in ended.out.split()


# What takes its place in the order of a training; a signal comes before it is there, and when it is.
FILES = {
    "run.toml": r"models/[^/]+/run\.toml$",
    "the claimed row": r"registry\.toml$",
    "state.json": r"state\.json$",
    "a checkpoint": r"checkpoints/step-0*20\.",
    "the weights": r"models/[^/]+/weights\.safetensors$",
    "the last model.toml": r"models/[^/]+/model\.toml$",
}
IN_TORCH = ["numpy._core.multiarray", "torch.torch_version", "torch.nn.functional", "torch.optim.optimizer"]


def in_torch(home: Home, number: int, module: str) -> None:
    """Nothing has begun, so nothing is left."""
    process = spawn(home, *TRAIN, *SHORT, python=("-X", "importtime", "-m", "zoo"))
    ended = signalled(process, number, rf"\| +{re.escape(module)}$")
    expect_end(ended, number)
    assert ended.err.strip() == ("zoo: interrupted" if number == signal.SIGINT else "")
    assert check_home(home) == {}
    assert not home.models.exists()


def in_writing(home: Home, number: int, file: str, side: str, times: int = 1) -> None:
    """The first signal is obeyed when the file is there; a second one ends it at once, and damages nothing."""
    hooks = (str(int(number)), str(times), side, FILES[file])
    ended = signalled(spawn(home, *hooks, *TRAIN, *SHORT, python=("-c", SELF_SIGNALLED)), 0, "^signal$")
    expect_end(ended, number)
    assert ("second time" if times > 1 else f"zoo resume {NAME}") in ended.err


def at_the_commit(home: Home, number: int, side: str) -> None:
    """The row that says `ready` is written whole, or not at all."""
    in_writing(home, number, "the weights", side)
    hooks = (str(int(number)), "1", side, FILES["the last model.toml"])
    ended = command(home, *hooks, "resume", NAME, python=("-c", SELF_SIGNALLED))
    assert ended.code in (0, 128 + number), ended
    assert "Traceback" not in ended.err


def in_training(home: Home, number: int, stage: str) -> None:
    """Steps, validations and samples, as its lines tell of them."""
    ended = signalled(spawn(home, *TRAIN, *SHORT), number, stage)
    expect_end(ended, number)
    assert f"zoo resume {NAME}" in ended.err


SIDES = ["before", "after"]
STAGES = {
    in_torch: list(itertools.product(SIGNALS, IN_TORCH)),
    in_writing: [
        *itertools.product(SIGNALS, list(FILES)[:5], SIDES),
        *itertools.product(SIGNALS, ["a checkpoint", "the weights"], ["before"], [2]),
    ],
    at_the_commit: list(itertools.product(SIGNALS, SIDES)),
    in_training: list(itertools.product(SIGNALS, [r"^training ", r"^step +20", r"^  \| "])),
}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_a_signal_at_any_stage_of_a_training_is_obeyed_and_resume_goes_on(
    home, tiny_corpus, undisturbed, size, chance, stage
):
    """Each in a home of its own, two at a time."""
    cases = STAGES[stage]
    drawn = chance.sample(cases, min(len(cases), -(-len(cases) * size("cold-kills") // 60)))

    def attempt(case: tuple) -> None:
        place = Home(home.path.with_name(f"place {cases.index(case)}"))
        shutil.copytree(home.path, place.path)
        try:
            stage(place, *case)
            resumes_to(place, undisturbed)
        except AssertionError as error:
            raise AssertionError(f"{stage.__name__} {case}: {error}") from error

    with ThreadPoolExecutor(2) as two:
        list(two.map(attempt, drawn))


@pytest.mark.timeout(3600)
def test_signals_at_random_while_it_trains_and_while_it_stops(home, tiny_corpus, size, chance):
    """Steps, validations, samples and checkpoints take turns in milliseconds; a second signal finds it stopping."""
    for _ in range(max(2, size("cold-kills") // 3)):
        number = chance.choice(SIGNALS)
        log = home.models / NAME / "log.jsonl"
        process = spawn(home, *(("resume", NAME) if log.exists() else (*TRAIN, *ENDLESS)))
        lines = (log.read_bytes().count(b"\n") if log.exists() else 0) + chance.randrange(1, 20)
        assert wait_until(has_lines(log, lines), process)
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(number)
        if chance.random() < 0.7:
            time.sleep(chance.uniform(0, 0.1))
            process.send_signal(number)
        expect_end(end_of(process, PATIENCE), number)
        assert check_home(home) == {NAME: "interrupted"}


def unfinished(home: Home) -> list[Path]:
    """What was begun in a home and has not taken its place."""
    return [path for path in home.path.rglob("*") if path.name.startswith(files.TEMPORARY)]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_in_a_first_fetch_leaves_nothing(home, tmp_path, number):
    """While the text is read; also when a closing terminal sends its signal a second time."""
    (tmp_path / "large.txt").write_bytes(b"The cat sat on the mat.\n" * 4_000_000)
    process = spawn(home, "fetch", "large", "--from", str(tmp_path / "large.txt"))
    assert wait_until(lambda: any(home.corpora.glob("*/.tmp-*/.tmp-*")), process)
    process.send_signal(number)
    if number == signal.SIGHUP:
        process.send_signal(number)
    ended = end_of(process, PATIENCE)
    expect_end(ended, number)
    assert unfinished(home) == []
    assert list(home.corpora.iterdir()) == []
    assert list(home.cache.iterdir()) == []


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_a_page_is_written_leaves_no_draft_of_it(home, tiny_model, tmp_path, number):
    (tmp_path / "pages").mkdir()
    words = ("report", NAME, "-o", str(tmp_path / "pages" / "report.html"))
    process = spawn(home, *words, python=("-X", "importtime", "-m", "zoo"))
    ended = signalled(process, number, r"\| +zoo\.measure\.report$")
    assert ended.code == 128 + number, ended
    assert list((tmp_path / "pages").iterdir()) == []


@pytest.mark.parametrize("file", [r"/text\.txt$", r"/corpus\.toml$", r"/[0-9a-f]{8}$", r"/current$"])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_in_a_fetch_leaves_the_old_text_or_the_new_one(home, tiny_corpus, tiny_text, number, file):
    before = open_corpus(home, "tiny").sha256
    tiny_text.write_text(tiny_text.read_text().upper())
    hooks = (str(int(number)), "1", "before", file)
    fetch = ("fetch", "tiny", "--from", str(tiny_text))
    ended = signalled(spawn(home, *hooks, *fetch, python=("-c", SELF_SIGNALLED)), 0, "^signal$")
    expect_end(ended, number)
    assert unfinished(home) == []
    assert open_corpus(home, "tiny").sha256 == before
    open_corpus(home, "tiny").check_text()
    assert command(home, *fetch).code == 0
    assert open_corpus(home, "tiny").sha256 != before
    open_corpus(home, "tiny").check_text()


@pytest.mark.parametrize(
    "words", [("generate", NAME, "The", "--max-new", "10000000"), ("chat", NAME, "--max-new", "10000000")], ids=" ".join
)
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_a_model_talks(home, tiny_model, words, number):
    process = spawn(home, *words, stdin=subprocess.PIPE)
    process.stdin.write(b"The\n")
    process.stdin.flush()
    assert process.stdout.read(20)
    process.send_signal(number)
    ended = end_of(process, PATIENCE)
    expect_end(ended, number)


@pytest.mark.parametrize("module", ["zoo.cli.app", "zoo.registry.registry", "tomllib._parser"])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_zoo_lists(home, tiny_model, module, number):
    process = spawn(home, "list", python=("-X", "importtime", "-m", "zoo"))
    ended = signalled(process, number, rf"\| +{re.escape(module)}$")
    if ended.code == 0:  # it was done already
        assert NAME in ended.out
    else:
        expect_end(ended, number)
    assert check_home(home) == {NAME: "ready"}


def test_a_reader_that_goes_away_after_a_line_ends_quietly(home, tiny_model):
    for words in ("list", "datasets", "show tiny-nano", "generate tiny-nano The --max-new 100000", "presets m2"):
        line = f"{sys.executable} -m zoo {words} | head -1; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode in (0, 141), (words, done)  # 0: all was said before the reader went
        assert done.stderr == ""
        assert len(done.stdout.splitlines()) == 1


def test_a_training_goes_on_when_nobody_hears_it(home, tiny_corpus, undisturbed):
    """Neither a closed stream nor a full one is a reason to lose work."""
    for place, stream in enumerate(("2>/dev/full >&-", "2>&- >/dev/full", "2>&1 | true; exit ${PIPESTATUS[0]}")):
        twin = Home(home.path.with_name(f"place {place}"))
        shutil.copytree(home.path, twin.path)
        line = shlex.join([sys.executable, "-m", "zoo", "--home", str(twin.path), *TRAIN, *SHORT])
        done = subprocess.run(["bash", "-c", f"{line} {stream}"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (stream, done)
        assert "Traceback" not in done.stderr
        assert outcome_of(twin, NAME) == undisturbed


@pytest.mark.parametrize("words", ["list", "datasets", "show tiny-nano"])
def test_data_that_finds_no_room_is_a_storage_problem(home, tiny_model, words):
    with open("/dev/full", "wb") as full:
        ended = command(home, *words.split(), stdout=full)
    assert ended.code == 6, ended
    assert "no space left on device" in said_of_failure(ended)


def test_a_fetch_says_nothing_on_stdout_so_a_full_one_does_not_stop_it(home, tiny_text):
    with open("/dev/full", "wb") as full:
        ended = command(home, "fetch", "tiny", "--from", str(tiny_text), stdout=full)
    assert ended.code == 0, ended
    open_corpus(home, "tiny").check_text()


LOADING = """
import os, signal, sys

class Meanwhile:
    def find_spec(self, name, path=None, target=None):
        if name == "torch.nn":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGTERM)

class Ended(BaseException):
    pass

def end(signum, frame):
    raise Ended

signal.signal(signal.SIGTERM, end)
sys.meta_path.insert(0, Meanwhile())
try:
    import zoo.gpt
except Ended:
    import torch
    print("ended", torch.nn.Linear(1, 1).in_features)
"""


def test_a_signal_while_torch_is_imported_waits_until_torch_is_whole():
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, check=False)
    assert done.stdout == "ended 1\n", done.stderr
