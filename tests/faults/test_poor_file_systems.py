"""A home on a file system that lacks something: what it can do without, it does; else the way on is told."""

import errno
import os
import stat

import pytest
from tiny import tiny_settings

fcntl = pytest.importorskip("fcntl")


@pytest.mark.parametrize("problem", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS], ids=lambda p: errno.errorcode[p])
def test_a_directory_that_cannot_be_synced_stops_nothing(zoo, home, tiny_text, monkeypatch, problem):
    sync, refused = os.fsync, []

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            refused.append(descriptor)
            raise OSError(problem, os.strerror(problem))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    for command in (
        ["fetch", "tiny", "--from", str(tiny_text)], ["train", "-d", "tiny", "-n", "one", *tiny_settings(max_steps=2)],
        ["rename", "one", "two"], ["rm", "two"], ["restore", "two"], ["doctor", "--repair"],
    ):  # fmt: skip
        assert zoo(*command).code == 0, command
    assert refused


def test_a_directory_whose_sync_fails_is_still_a_storage_problem(zoo, home, tiny_text, monkeypatch):
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert zoo("fetch", "tiny", "--from", str(tiny_text)).code == 6


@pytest.mark.parametrize("problem", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS], ids=lambda p: errno.errorcode[p])
def test_a_file_system_without_locks_is_refused_with_the_way_on(zoo, home, tiny_text, monkeypatch, problem):
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(problem, os.strerror(problem))

    monkeypatch.setattr(fcntl, "flock", flock)
    outcome = zoo("fetch", "tiny", "--from", str(tiny_text))
    assert outcome.code == 6
    (line,) = [line for line in outcome.err.splitlines() if line.startswith("zoo: error: ")]
    assert "its file system has no locks" in line
    assert line.endswith("choose a home on a local disk with --home or ZOO_HOME")
    assert not home.corpora.exists() or not any(home.corpora.iterdir())
