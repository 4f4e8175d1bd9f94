"""Disks that are really full, and homes that are really read-only: limits and mounts of the kernel, nothing of ours."""

import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from faults.processes import (
    Ended,
    Outcome,
    check_home,
    command,
    end_of,
    has_lines,
    outcome_of,
    said_of_failure,
    shown,
    spawn,
    wait_until,
)
from tiny import tiny_settings, write_tiny_text
from web.server import File, serving

from zoo.corpora.corpus import BLOCK_BYTES, corpus_names, open_corpus
from zoo.home import Home

NAME = "tiny-nano"
TRAIN = ("train", "-d", "tiny", "-n", NAME, *tiny_settings(max_steps=20, log_every=5))
# A command line whose files may have so many bytes. Python ignores the signal that tells of it, and sees the error.
LIMITED = """
import resource, sys
size = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
from zoo.__main__ import main
main()
"""
# from nothing, over the sizes of a row, a spec, a log, up to those of the text
LIMITS = [0, 1, 100, 1_500, 2_500, 6_500, 10_000, 25_000, 50_000, 100_000]
CHECKPOINT = 120_000  # bytes, and more than any file of the tiny training has


def limited(home: Home, size: int, *words: str) -> Ended:
    """What a command does whose files may have so many bytes."""
    return command(home, str(size), *words, python=("-c", LIMITED))


@functools.cache
def namespace() -> list[str] | None:
    """The command that begins a mount namespace of its own, as root or as anybody; None where there is none."""
    for flags in ("-m", "-rm"):
        words = ["unshare", flags, "sh", "-c"]
        if (
            shutil.which("unshare")
            and subprocess.run([*words, "mount -t tmpfs none /mnt"], capture_output=True, check=False).returncode == 0
        ):
            return words
    return None


def mounted(script: str, **places: Path | str) -> list[Ended]:
    """Run a shell script in a mount namespace, with `zoo` for the command line, and `said NAME` after each command to
    keep its exit code; what those commands left, in their order."""
    log = Path(places["log"])
    log.mkdir()
    head = f"""
    count=0
    zoo() {{
        {shlex.quote(sys.executable)} -m zoo "$@" >"$log/$count.out" 2>"$log/$count.err"
        echo $? >"$log/$count.code"
        count=$((count + 1))
    }}
    """
    environment = {
        **os.environ,
        **{name: str(place) for name, place in places.items()},
        "ZOO_HOME": str(places["home"]),
    }
    done = subprocess.run(
        [*namespace(), head + script], env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done
    ended = []
    while (path := log / f"{len(ended)}.code").exists():
        out, err = (path.with_suffix(suffix).read_text() for suffix in (".out", ".err"))
        ended.append(Ended(shown(int(path.read_text())), out, err))
    return ended


def expect_no_room(ended: Ended) -> None:
    """Exit code 6, one line, and it says what did not work."""
    assert ended.code == 6, ended
    assert ended.out == ""
    assert any(word in said_of_failure(ended) for word in ("cannot write", "cannot create")), ended


def rows(home: Home) -> bytes:
    return home.registry.read_bytes() if home.registry.exists() else b""


def temporaries(home: Home) -> list[Path]:
    return list(home.path.rglob(".tmp-*"))


@pytest.mark.parametrize("limit", LIMITS)
def test_a_fetch_without_room_leaves_the_old_text_and_works_when_there_is_room(home, tiny_corpus, tiny_text, limit):
    before, text = rows(home), open_corpus(home, "tiny").sha256
    tiny_text.write_text(write_tiny_text(30_000))
    fetch = ("fetch", "tiny", "--from", str(tiny_text))
    ended = limited(home, limit, *fetch)
    if limit > tiny_text.stat().st_size:
        assert ended.code == 0, ended
    else:
        expect_no_room(ended)
        assert open_corpus(home, "tiny").sha256 == text
        open_corpus(home, "tiny").check_text()
    assert (rows(home), temporaries(home)) == (before, [])
    assert command(home, *fetch).code == 0
    assert open_corpus(home, "tiny").sha256 != text
    open_corpus(home, "tiny").check_text()


@pytest.mark.parametrize("limit", LIMITS)
def test_a_first_fetch_without_room_leaves_no_text(home, tiny_text, limit):
    tiny_text.write_text(write_tiny_text(30_000))
    fetch = ("fetch", "tiny", "--from", str(tiny_text))
    ended = limited(home, limit, *fetch)
    if ended.code:
        expect_no_room(ended)
        assert corpus_names(home) == []
    assert temporaries(home) == []
    assert command(home, "list").code == 0
    assert command(home, *fetch).code == 0
    open_corpus(home, "tiny").check_text()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What the training comes to where there is room."""
    place = tmp_path_factory.mktemp("twin")
    (place / "tiny.txt").write_text(write_tiny_text(), encoding="utf-8")
    twin = Home(place / "home")
    assert command(twin, "fetch", "tiny", "--from", str(place / "tiny.txt")).code == 0
    assert command(twin, *TRAIN).code == 0
    return outcome_of(twin, NAME)


def go_on(home: Home, wanted: Outcome) -> None:
    """Where there is room again the same command works, or `zoo resume` where the run had its row."""
    status = check_home(home).get(NAME)
    assert status in (None, "interrupted"), status
    ended = command(home, *(("resume", NAME) if status else TRAIN))
    assert ended.code == 0, ended
    assert outcome_of(home, NAME) == wanted
    assert check_home(home) == {NAME: "ready"}


@pytest.mark.timeout(3600)
def test_a_training_without_room_says_so_and_goes_on_when_there_is_room(home, tiny_corpus, undisturbed, size, chance):
    """At limits between nothing and more than it needs: some in the claim, some in a checkpoint, some in the log."""

    def attempt(limit: int) -> bool:
        place = Home(home.path.with_name(f"limit {limit}"))
        shutil.copytree(home.path, place.path)
        ended = limited(place, limit, *TRAIN)
        if ended.code == 0:
            assert outcome_of(place, NAME) == undisturbed
            return False
        expect_no_room(ended)
        assert temporaries(place) == []
        assert ("training " in ended.err) == (NAME in check_home(place))
        if NAME in check_home(place):
            assert f"zoo resume {NAME}" in said_of_failure(ended)
        go_on(place, undisturbed)
        return True

    limits = {0, *(int(CHECKPOINT ** chance.random()) for _ in range(size("cold-kills") // 2))}
    with ThreadPoolExecutor(2) as two:
        assert any(two.map(attempt, sorted(limits)))


def test_a_full_disk_costs_a_training_nothing_but_the_wait_for_room(home, tiny_corpus, undisturbed, tmp_path):
    """On a small disk of its own, which then grows."""
    if namespace() is None:  # a limit of its own is the next best disk
        expect_no_room(limited(home, CHECKPOINT // 2, *TRAIN))
        go_on(home, undisturbed)
        return
    script = f"""
    mkdir disk && mount -t tmpfs -o size=160k none disk && cp -a "$seed/." disk || exit 1
    ZOO_HOME=$PWD/disk
    zoo {shlex.join(TRAIN)}
    cp -a disk then && mount -o remount,size=16m disk || exit 1
    zoo resume {NAME}
    cp -a disk now
    """
    first, second = mounted(
        f"cd {shlex.quote(str(tmp_path))}; {script}", home=home.path, seed=home.path, log=tmp_path / "log"
    )
    expect_no_room(first)
    assert "no space left" in first.err
    assert f"zoo resume {NAME}" in said_of_failure(first)
    assert check_home(Home(tmp_path / "then")) == {NAME: "interrupted"}
    assert second.code == 0, second
    assert outcome_of(Home(tmp_path / "now"), NAME) == undisturbed


def test_a_fetch_onto_a_full_disk_leaves_no_half_text(home, tiny_text, tmp_path):
    if namespace() is None:
        expect_no_room(limited(home, 1000, "fetch", "tiny", "--from", str(tiny_text)))
        return
    tiny_text.write_text(write_tiny_text(400_000))
    script = """
    mkdir disk && mount -t tmpfs -o size=128k none disk || exit 1
    ZOO_HOME=$PWD/disk
    zoo fetch tiny --from "$text"
    cp -a disk then && mount -o remount,size=16m disk || exit 1
    zoo fetch tiny --from "$text"
    cp -a disk now
    """
    first, second = mounted(
        f"cd {shlex.quote(str(tmp_path))}; {script}", home=home.path, text=tiny_text, log=tmp_path / "log"
    )
    expect_no_room(first)
    assert corpus_names(Home(tmp_path / "then")) == temporaries(Home(tmp_path / "then")) == []
    assert second.code == 0, second
    open_corpus(Home(tmp_path / "now"), "tiny").check_text()


LONG = 2 * BLOCK_BYTES  # characters, of which the ids go to a file
ENCODE = """
import sys, tempfile
from pathlib import Path
from zoo.corpora.tokens import encode_part
from zoo.corpora.corpus import open_corpus
from zoo.corpora.vocab import Bytes
from zoo.home import Home
tempfile.tempdir = sys.argv[2]
corpus = open_corpus(Home(Path(sys.argv[1])), "tiny")
assert encode_part(corpus, Bytes(), "train").tobytes()[::2] == corpus.text("train").encode()
"""


@pytest.fixture
def long_corpus(home, tiny_text) -> Home:
    tiny_text.write_text(write_tiny_text(LONG // 100) * 100)
    assert command(home, "fetch", "tiny", "--from", str(tiny_text)).code == 0
    return home


def test_ids_without_room_end_a_training_that_goes_on_when_there_is_room(long_corpus):
    ended = limited(long_corpus, LONG, *TRAIN)
    expect_no_room(ended)
    assert said_of_failure(ended).endswith(f"go on with: zoo resume {NAME}")
    assert check_home(long_corpus) == {NAME: "interrupted"}
    assert {path.name for path in open_corpus(long_corpus, "tiny").directory.iterdir()} == {
        "alphabet.json",
        "corpus.toml",
        "documents.jsonl",
        "text.txt",
    }
    assert temporaries(long_corpus) == []
    ended = command(long_corpus, "resume", NAME)
    assert ended.code == 0, ended
    assert f"encoding tiny (train): {open_corpus(long_corpus, 'tiny').train_characters:,} characters" in ended.err


def test_a_text_in_a_read_only_home_is_encoded_in_the_place_for_temporary_files(long_corpus, tmp_path):
    encode = shlex.join([sys.executable, "-c", ENCODE, str(long_corpus.path), str(tmp_path / "place")])
    script = f'mount --bind "{long_corpus.path}" "{long_corpus.path}" && mount -o remount,ro,bind "{long_corpus.path}"'
    if namespace() is None:
        pytest.skip("nothing here can be mounted")
    words = [*namespace(), f"{script} && {encode}"]
    refused = subprocess.run(words, capture_output=True, text=True, check=False)
    assert f"cannot write {tmp_path / 'place'}: no such file" in refused.stderr
    (tmp_path / "place").mkdir()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert list((tmp_path / "place").iterdir()) == []


def test_a_download_onto_a_full_disk_leaves_nothing_and_works_when_there_is_room(home, tmp_path):
    with serving() as server:
        server.pages["/text.txt"] = File(write_tiny_text(400_000).encode())
        url = server.url("/text.txt")
        if namespace() is None:
            expect_no_room(limited(home, 100_000, "fetch", "tiny", "--from", url))
            assert temporaries(home) == list(home.cache.glob("*/*")) == []
            assert command(home, "fetch", "tiny", "--from", url).code == 0
            return
        script = """
        mkdir disk && mount -t tmpfs -o size=128k none disk || exit 1
        ZOO_HOME=$PWD/disk
        zoo fetch tiny --from "$url"
        cp -a disk then && mount -o remount,size=16m disk || exit 1
        zoo fetch tiny --from "$url"
        cp -a disk now
        """
        first, second = mounted(
            f"cd {shlex.quote(str(tmp_path))}; {script}", home=home.path, url=url, log=tmp_path / "log"
        )
    expect_no_room(first)
    assert "no space left" in first.err
    assert len(server.asked) == 2
    then = Home(tmp_path / "then")
    assert temporaries(then) == list(then.cache.glob("*/*")) == corpus_names(then) == []
    assert second.code == 0, second
    open_corpus(Home(tmp_path / "now"), "tiny").check_text()


READERS = [
    "list", "list --json", "show tiny-nano", "compare", "datasets", "generate tiny-nano The --max-new 5 --seed 1",
    "presets", "plugins", "verify tiny-nano", "doctor", "doctor --repair",
]  # fmt: skip
WRITERS = [
    shlex.join(("train", "-d", "tiny", "-n", "new", *TRAIN[5:])),
    "fetch tiny --from {text}",
    "fetch other --from {text}",
    "rename tiny-nano other",
    "rm tiny-nano",
    "restore gone",
    "resume half",
]


def test_a_read_only_home_can_be_read_and_says_so_to_writers(home, tiny_model, tiny_text, tmp_path, zoo):
    """Readers do as ever; writers end before the first step."""
    half = tiny_settings(max_steps=1)
    assert zoo("train", "-d", "tiny", "-n", "gone", *half).code == 0
    assert zoo("rm", "gone").code == 0
    interrupt(home)
    before = contents(home.path)
    expected = [command(home, *shlex.split(words)) for words in READERS]
    assert contents(home.path) == before
    lines = [*READERS, *(words.format(text=shlex.quote(str(tiny_text))) for words in WRITERS)]
    ended = read_only(home, lines, tmp_path)
    assert len(ended) == len(lines)
    for words, reader, wanted in zip(READERS, ended, expected, strict=False):
        assert (reader.code, without_ages(reader.out), reader.err) == (0, without_ages(wanted.out), wanted.err), words
    for words, writer in zip(WRITERS, ended[len(READERS) :], strict=True):
        assert writer.code == 6, (words, writer)
        said = [line for line in writer.err.splitlines() if not line.startswith(("plan: ", "zoo: warning: "))]
        assert len(said) == 1, (words, writer)
        expect_no_room(writer)
    assert contents(home.path) == before


def without_ages(table: str) -> str:
    """A table without its times, and so without the widths of their columns."""
    return re.sub(r" +", " ", re.sub(r"\b\d+ (ms|s|min)\b", "-", table))


def interrupt(home: Home) -> None:
    """A training of the name `half` that was stopped at its first step."""
    settings = tiny_settings(max_steps=10**6, eval_every=1)
    process = spawn(home, "train", "-d", "tiny", "-n", "half", *settings)
    assert wait_until(has_lines(home.models / "half" / "log.jsonl", 1), process)
    process.terminate()
    assert end_of(process).code == 143


def read_only(home: Home, lines: list[str], tmp_path: Path) -> list[Ended]:
    """What command lines do in a home that cannot be written, by a mount, by permissions, or by a limit."""
    if namespace() is not None:
        script = "".join(f"zoo {words}\n" for words in lines)
        freeze = 'mount --bind "$home" "$home" && mount -o remount,ro,bind "$home" || exit 1\n'
        return mounted(freeze + script, home=home.path, log=tmp_path / "log")
    if os.geteuid() != 0:
        paths = [home.path, *home.path.rglob("*")]
        for path in paths:
            path.chmod(path.stat().st_mode & ~0o222)
        try:
            return [command(home, *shlex.split(words)) for words in lines]
        finally:
            for path in paths:
                path.chmod(path.stat().st_mode | 0o200)
    return [limited(home, 0, *shlex.split(words)) for words in lines]


def contents(directory: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file, to see whether anything was written."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(directory.rglob("*"))}
