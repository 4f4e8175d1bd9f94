"""Every single call that writes fails, once or for ever: the outcome is told as it is, and nothing is half done."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.acts import (
    ACTS,
    CASE_NAMES,
    CASES,
    ERRNOS,
    Play,
    check_files,
    check_rows,
    home_in,
    look,
    mended,
    reads,
    temporaries,
)
from faults.disk import Disk, copy, scratch, without_syncs

from zoo import files
from zoo.errors import StorageProblem, ZooError
from zoo.home import Home


@pytest.fixture(scope="module")
def play() -> Iterator[Play]:
    with scratch() as folder:
        yield Play(folder)


@pytest.fixture(autouse=True)
def fast() -> Iterator[None]:
    with without_syncs():
        yield


def attempt(disk: Disk, number: int, home: Home) -> bool:
    """Whether the act says that it is done; any error but StorageProblem is a bug."""
    try:
        with disk.watched():
            ACTS[number].do(home)
    except StorageProblem as error:
        assert error.exit_code == 6
        assert len(str(error).splitlines()) == 1
        return False
    return True


def is_tidying(disk: Disk) -> bool:
    """Whether it was a removal that failed, whose object may stay."""
    return disk.struck is not None and disk.struck.kind == "remove"


@pytest.mark.parametrize("problem", ERRNOS, ids=lambda problem: errno.errorcode[problem])
@pytest.mark.parametrize(("number", "apart"), CASES, ids=CASE_NAMES)
def test_an_operation_that_fails_once_leaves_the_old_state_or_the_new_one(play, number, apart, problem):
    at = 0
    while True:
        at += 1
        home = play.stage(number)
        disk = Disk(home_root(home), at=at, failing=problem, apart=apart)
        done = attempt(disk, number, home)
        if disk.struck is None:
            break
        why = f"operation {at}, {disk.struck}"
        state = look(home)
        if done:
            assert disk.struck.kind != "sync", f"{why}: not synced, and said to be saved"
            assert state == play.new[number], why
        else:
            known = state in (play.old[number], play.new[number])
            assert known or state.is_before_the_commit(play.old[number], play.new[number]), why
        if not is_tidying(disk):
            assert not temporaries(home), why
        check_rows(home)
        check_files(home, play.known)
        reads(home)
        again(play, number, home)
    assert done
    assert at > 5


@pytest.mark.parametrize("problem", ERRNOS, ids=lambda problem: errno.errorcode[problem])
@pytest.mark.parametrize(("number", "apart"), CASES, ids=CASE_NAMES)
def test_a_disk_that_refuses_everything_from_some_moment_on_loses_nothing(play, number, apart, problem, monkeypatch):
    monkeypatch.setattr("zoo.doctor.examination.MOMENT", 0)
    at = 0
    while True:
        at += 1
        home = play.stage(number)
        disk = Disk(home_root(home), at=at, failing=problem, lasting=True, apart=apart)
        done = attempt(disk, number, home)
        if disk.struck is None:
            break
        why = f"from operation {at} on, {disk.struck}"
        state = look(home)
        assert state.rows in (play.old[number].rows, play.new[number].rows), why
        check_files(home, play.known)
        reads(home)
        if done:
            assert disk.struck.kind != "sync", f"{why}: not synced, and said to be saved"
            assert state.holds(play.new[number]), why
        again(play, number, home)
    assert done


def again(play: Play, number: int, home: Home) -> None:
    """Now that the disk is well, the act is done, was done already, or `zoo doctor --repair` makes it possible."""
    try:
        ACTS[number].do(home)
    except ZooError:
        state, _ = mended(home)
        if not state.holds(play.new[number]):
            assert state.holds(play.old[number])
            ACTS[number].do(home)
    assert look(home).holds(play.new[number])
    check_rows(home)


def home_root(home: Home) -> Path:
    """The directory that is watched: the one that was there before the home."""
    root = home.path.parent.parent
    assert home_in(root) == home
    return root


@pytest.mark.parametrize("problem", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_home_is_made_where_there_are_no_hard_links(play, problem, monkeypatch):
    def no_links(source: object, target: object) -> None:
        raise OSError(problem, "no links here")

    monkeypatch.setattr("os.link", no_links)
    monkeypatch.setattr(Disk, "_link", lambda self, source, target: no_links(source, target))
    home = play.stage(0)
    home.create()
    assert look(home) == play.new[0]
    for at in range(1, 30):
        home = play.stage(0)
        disk = Disk(home_root(home), at=at, failing=errno.EIO)
        done = attempt(disk, 0, home)
        if disk.struck is None:
            break
        state = look(home)
        assert state == play.new[0] or (not done and state == play.old[0]), f"operation {at}, {disk.struck}"
        again(play, 0, home)
    assert at > 10


def test_a_full_disk_says_how_much_is_free(play):
    home = play.stage(2)
    disk = Disk(home_root(home), at=5, failing=errno.ENOSPC)
    with pytest.raises(StorageProblem, match=r"no space left on device \([\d,]+ bytes are free\)"), disk.watched():
        ACTS[2].do(home)


def test_nothing_is_world_writable_whatever_the_umask(play, tmp_path):
    before = os.umask(0)
    try:
        home = home_in(tmp_path)
        for act in ACTS:
            if act.before:
                act.before(home)
            act.do(home)
        files.append_line(home.path / "log.jsonl", "{}")
    finally:
        os.umask(before)
    for path in tmp_path.rglob("*"):
        assert not path.lstat().st_mode & 0o002, path


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
def test_a_training_on_a_disk_that_fails_comes_out_the_same_once_the_disk_is_well(lasting, size, chance):
    from faults import training

    with training.rehearsed() as (folder, stage, whole, expected):
        points = range(1, len(whole.asked) + 1)
        for at in chance.sample(points, min(len(points), size("kills") // 8)):
            home = home_in(copy(stage, folder / "home"))
            disk = Disk(folder / "home", at=at, failing=chance.choice(ERRNOS), lasting=lasting)
            why = f"operation {at}"
            try:
                with disk.watched():
                    training.train(home)
            except StorageProblem as error:
                assert len(str(error).splitlines()) == 1, why
            reads(home)
            training.go_on(home)
            assert training.results(home) == expected, f"{why}, {disk.struck}"
            check_rows(home)


def test_a_checkpoint_that_cannot_be_written_costs_none_of_those_before(tmp_path):
    from faults.training import Saver

    from zoo.gpt.checkpoint import load_checkpoint, newest_first

    saver = Saver()
    for lasting in (False, True):
        for at in range(1, 100):
            directory = tmp_path / f"{lasting}-{at}" / "checkpoints"
            directory.parent.mkdir()
            for step in (1, 2, 3):
                saver.save(directory, step)
            disk = Disk(directory.parent, at=at, failing=ERRNOS[at % 3], lasting=lasting)
            done = True
            with disk.watched():
                try:
                    saver.save(directory, 4)
                except StorageProblem:
                    done = False
            assert len(newest_first(directory)) >= 2
            loaded = load_checkpoint(directory, saver.model, saver.optimizers)
            assert loaded is not None
            assert loaded[1].step == 4 if done else loaded[1].step in (3, 4), f"operation {at}, {disk.struck}"
            if disk.struck is None:
                break
        assert done
        assert at > 5
