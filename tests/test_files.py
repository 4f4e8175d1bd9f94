"""How bytes reach the disk: whole or not at all, from one process at a time."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from zoo import files, locks, moving
from zoo.errors import BadData, Conflict, NotFound, Refused, StorageProblem

LIMITED_WRITE = """
import resource, sys
from pathlib import Path
from zoo import files
from zoo.errors import StorageProblem
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    files.write_bytes(Path(sys.argv[1]), b"new" * 10_000)
except StorageProblem as error:
    print(error)
    sys.exit(error.exit_code)
"""
HOLD_LOCK = """
import sys
from pathlib import Path
from zoo import locks
with locks.locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
CLAIM = """
import sys
from pathlib import Path
from zoo import files
from zoo.errors import Conflict
print("ready", flush=True)
sys.stdin.read()
try:
    files.claim_directory(Path(sys.argv[1]))
    print("won")
except Conflict:
    print("lost")
"""


def start(script: str, *arguments: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # it is there
    return process


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_write_bytes_replaces_a_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "file"
    files.write_bytes(path, b"old")
    files.write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert names_in(tmp_path) == ["file"]


def test_a_write_that_the_disk_refuses_leaves_the_old_file_and_no_temporary(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    outcome = subprocess.run([sys.executable, "-c", LIMITED_WRITE, path], capture_output=True, text=True, check=False)
    assert outcome.returncode == StorageProblem.exit_code, outcome.stderr
    assert f"cannot write {path}" in outcome.stdout
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


def test_chunks_that_break_off_leave_the_old_file_and_no_temporary(tmp_path):
    def chunks():
        yield b"half"
        raise BadData("the rest is missing")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(BadData, match="the rest is missing"):
        files.write_chunks(path, chunks())
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


def test_writing_into_a_directory_that_is_not_there_is_a_storage_problem(tmp_path):
    with pytest.raises(StorageProblem, match="cannot write"):
        files.write_bytes(tmp_path / "missing" / "file", b"new")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_on_a_full_disk_is_a_storage_problem():
    with pytest.raises(StorageProblem, match="no space left"):
        files.append_line(Path("/dev/full"), "line")


def test_append_line_adds_lines_with_lf(tmp_path):
    path = tmp_path / "log"
    files.append_line(path, "one")
    files.append_line(path, "zwölf")
    assert path.read_bytes() == "one\nzwölf\n".encode()


def test_move_does_not_overwrite(tmp_path):
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with pytest.raises(Conflict, match="exists already"):
        moving.move(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "b"


def test_remove_tree_does_not_follow_a_link_out_of_it(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "keep").write_text("kept")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "outside")
    files.remove_tree(tmp_path / "tree")
    assert names_in(tmp_path) == ["outside"]
    assert (tmp_path / "outside" / "keep").read_text() == "kept"


def test_remove_does_not_mind_a_file_that_is_gone(tmp_path):
    files.remove(tmp_path / "gone")
    with pytest.raises(StorageProblem):
        files.remove(tmp_path)  # a directory is not a file that is gone


def test_read_bytes_says_what_is_missing(tmp_path):
    with pytest.raises(NotFound, match="file is missing"):
        files.read_bytes(tmp_path / "file", limit=10)
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotFound, match="below is missing"):
        files.read_bytes(tmp_path / "file" / "below", limit=10)


def test_read_bytes_does_not_wait_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadData, match="not a regular file"):
        files.read_bytes(tmp_path / "pipe", limit=10)


def test_read_bytes_of_a_directory_is_bad_data(tmp_path):
    with pytest.raises(BadData, match="not a regular file"):
        files.read_bytes(tmp_path, limit=10)


def test_read_bytes_of_an_endless_device_is_bad_data():
    with pytest.raises(BadData, match="not a regular file"):
        files.read_bytes(Path("/dev/zero"), limit=10)


def test_read_bytes_takes_the_limit_and_not_a_byte_more(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert files.read_bytes(path, limit=10) == b"0123456789"
    with pytest.raises(BadData, match="10 bytes, more than the 9 allowed"):
        files.read_bytes(path, limit=9)


def test_read_text_names_the_byte_that_is_not_utf8(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"ab\xff")
    with pytest.raises(BadData, match="not UTF-8: byte 2"):
        files.read_text(path, limit=10)
    path.write_bytes(b"\xef\xbb\xbfab")
    assert files.read_text(path, limit=10) == "ab"


def test_a_lock_that_another_process_holds_is_a_conflict_until_it_ends(tmp_path):
    path = tmp_path / "one.lock"
    holder = start(HOLD_LOCK, path)
    try:
        assert locks.is_locked(path)
        with pytest.raises(Conflict, match="somebody trains"), locks.locked(path, seconds=0.05, busy="somebody trains"):
            pass
        with pytest.raises(Conflict, match=r"holds .*one\.lock"), locks.locked(path, seconds=0.05):
            pass
    finally:
        holder.communicate()
    assert not locks.is_locked(path)
    with locks.locked(path, seconds=0.05):
        assert locks.is_locked(path)


def test_a_killed_process_holds_no_lock(tmp_path):
    holder = start(HOLD_LOCK, tmp_path / "one.lock")
    assert locks.is_locked(tmp_path / "one.lock")
    holder.kill()
    holder.communicate()
    assert not locks.is_locked(tmp_path / "one.lock")


def test_is_locked_creates_nothing(tmp_path):
    assert not locks.is_locked(tmp_path / "never.lock")
    assert names_in(tmp_path) == []


def test_of_two_processes_exactly_one_claims_a_directory(tmp_path):
    claimants = [start(CLAIM, tmp_path / "models" / "name") for _ in range(2)]
    for claimant in claimants:
        assert claimant.stdin is not None
        claimant.stdin.close()
    answers = []
    for claimant in claimants:
        assert claimant.stdout is not None
        answers.append(claimant.stdout.read().strip())
        claimant.stdout.close()
        claimant.wait()
    assert sorted(answers) == ["lost", "won"]
    assert (tmp_path / "models" / "name").is_dir()


def test_claiming_what_is_there_is_a_conflict(tmp_path):
    (tmp_path / "name").write_text("a file, even")
    with pytest.raises(Conflict, match="name exists already"):
        files.claim_directory(tmp_path / "name")


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert files.sha256_of(tmp_path / "file").startswith("ba7816bf8f01cfea")


def test_a_draft_takes_its_place_when_it_is_whole(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with files.draft(path) as draft:
        draft.append(b"in vain")
        draft.clear()
        draft.append(b"af")
        draft.append(b"ter")
        assert path.read_bytes() == b"before"
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("file", b"after")]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_stays_of_a_draft_that_fails(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(error), files.draft(path) as draft:
        draft.append(b"after")
        raise error
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("file", b"before")]


def test_a_draft_replaces_no_pipe(tmp_path):
    """Nor a device: /dev/null would be a file for everybody from then on."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refused, match="no file"), files.draft(tmp_path / "pipe"):
        pass
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
