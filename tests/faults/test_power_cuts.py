"""The power is cut: what was not synced is lost, torn or out of order; the home is in the old state or the new one."""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.acts import (
    ACTS,
    CASE_NAMES,
    CASES,
    NAMES,
    Play,
    State,
    check_files,
    check_rows,
    home_in,
    look,
    mended,
    reads,
)
from faults.disk import Disk, Medium, Operation, copy, scratch, without_syncs

from zoo import files
from zoo.home import Home


@pytest.fixture(scope="module")
def play() -> Iterator[Play]:
    with scratch() as folder:
        yield Play(folder)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("zoo.doctor.examination.MOMENT", 0)
    with without_syncs():
        yield


def cut(before: Path, done: list[Operation], chance: random.Random, target: Path) -> Path:
    """Write into `target` what may be found when the power went after these operations."""
    medium = Medium(before)
    for operation in done:
        medium.apply(operation)
    shutil.rmtree(target, ignore_errors=True)
    medium.cut(chance, target)
    return target


class History:
    """Acts in a row, watched: what was done to the disk, and after which operation each act said that it was done."""

    def __init__(self, play: Play, first: int, last: int, apart: str = "") -> None:
        self.play, self.first = play, first
        self.said: list[int] = []
        home = play.stage(first)
        disk = Disk(home.path.parent.parent, apart=apart)
        with disk.watched():
            for number in range(first, last + 1):
                before = ACTS[number].before
                if before and number > first:
                    before(home)
                ACTS[number].do(home)
                self.said.append(len(disk.trace))
        self.trace = disk.trace

    def cut(self, chance: random.Random, at: int) -> Home:
        """A home as it may be found when the power went after so many operations."""
        return home_in(cut(self.play.homes[self.first], self.trace[:at], chance, self.play.folder / "cut"))

    def states(self, at: int) -> tuple[int, State, State]:
        """The act that the cut was in, the state that was said to be reached, and the one that may be."""
        done = sum(said <= at for said in self.said)
        number = self.first + min(done, len(self.said) - 1)
        over = done == len(self.said)
        return number, (self.play.new if over else self.play.old)[number], self.play.new[number]


def check_cuts(history: History, count: int, chance: random.Random) -> None:
    """Cut so often, and anywhere: index and texts are old or new as a whole, every file is whole, what was said to be
    done is there, and a repair leaves the one state or the other."""
    for _ in range(count):
        draw = random.Random(seed := chance.getrandbits(32))
        anywhere = draw.randrange(len(history.trace) + 1)
        at = draw.choice((anywhere, anywhere, anywhere, draw.choice(history.said)))
        home = history.cut(draw, at)
        number, old, new = history.states(at)
        why = f"{NAMES[number]}, cut after operation {at}, {history.trace[at - 1] if at else None} (draw {seed})"
        try:
            state = look(home)
            assert state.rows in (old.rows, new.rows)
            assert state.current in (old.current, new.current)
            check_files(home, history.play.known)
            if ACTS[number].name != "rename":  # a model on its way to another name, which a repair sees through
                check_rows(home)
            reads(home)
            state, _ = mended(home)
            assert state.holds(old) or state.holds(new) or state.is_before_the_commit(old, new)
            check_rows(home)
        except Exception as error:
            raise AssertionError(why) from error


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("number", "apart"), CASES, ids=CASE_NAMES)
def test_a_power_cut_in_an_act_leaves_the_old_state_or_the_new_one(play, number, apart, size, chance):
    check_cuts(History(play, number, number, apart), size("cuts") // 2 // len(ACTS) + 1, chance)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(4))
def test_a_power_cut_loses_nothing_that_was_said_to_be_done_before(play, part, size, chance):
    check_cuts(History(play, 0, len(ACTS) - 1), size("cuts") // 2 // 4 + 1, chance)


@pytest.mark.timeout(3600)
def test_a_training_that_a_power_cut_ends_comes_out_the_same_when_it_goes_on(size, chance):
    from faults import training

    with training.rehearsed() as (folder, stage, disk, expected):
        for number in range(size("cuts") // 25):
            draw = random.Random(seed := chance.getrandbits(32))
            at = draw.randrange(len(disk.trace) + 1)
            home = home_in(cut(stage, disk.trace[:at], draw, folder / "cut"))
            why = f"cut after operation {at}, {disk.trace[at - 1] if at else None} (draw {seed})"
            reads(home)
            if number % 2:
                mended(home)
            training.go_on(home)
            assert training.results(home) == expected, why
            check_rows(home)


@pytest.mark.timeout(3600)
def test_a_power_cut_costs_no_checkpoint_that_was_said_to_be_saved(size, chance):
    from faults.training import Saver

    from zoo.gpt.checkpoint import load_checkpoint, newest_first

    saver = Saver()
    with scratch() as folder:
        (folder / "stage").mkdir()
        disk, said = Disk(copy(folder / "stage", folder / "home")), []
        with disk.watched():
            for step in (1, 2, 3, 4):
                saver.save(folder / "home" / "checkpoints", step)
                said.append(len(disk.trace))
        for _ in range(size("cuts") // 5):
            draw = random.Random(seed := chance.getrandbits(32))
            at = draw.choice((draw.randrange(len(disk.trace) + 1), draw.choice(said)))
            directory = cut(folder / "stage", disk.trace[:at], draw, folder / "cut") / "checkpoints"
            saved = sum(operations <= at for operations in said)
            loaded = load_checkpoint(directory, saver.model, saver.optimizers)
            step = 0 if loaded is None else loaded[1].step
            why = f"cut after operation {at} (draw {seed})"
            assert step in (saved, saved + 1), why
            assert len(newest_first(directory)) >= min(saved, 2), why


def in_place(path: Path) -> None:
    path.write_bytes(b"new" * 100)


def unsynced(path: Path) -> None:
    path.with_name("draft").write_bytes(b"new" * 100)
    os.replace(path.with_name("draft"), path)
    files.sync_directory(path.parent)


def unnamed(path: Path) -> None:
    path.with_name("draft").write_bytes(b"new" * 100)
    files.sync(path.with_name("draft"))
    os.replace(path.with_name("draft"), path)


def by_the_book(path: Path) -> None:
    files.write_bytes(path, b"new" * 100)


@pytest.mark.parametrize(
    ("write", "torn", "forgotten"),
    [(in_place, True, True), (unsynced, True, False), (unnamed, False, True), (by_the_book, False, False)],
)
def test_the_cuts_find_out_a_writer_that_does_not_sync(chance, write, torn, forgotten):
    old, new, found = b"old" * 100, b"new" * 100, set()
    with scratch() as folder:
        (folder / "before").mkdir()
        (folder / "before" / "file").write_bytes(old)
        disk = Disk(copy(folder / "before", folder / "home"))
        with disk.watched():
            write(folder / "home" / "file")
        for _ in range(60):
            for at in range(len(disk.trace) + 1):
                left = (cut(folder / "before", disk.trace[:at], chance, folder / "cut") / "file").read_bytes()
                found |= {"torn"} if left not in (old, new) else set()
                found |= {"forgotten"} if at == len(disk.trace) and left == old else set()
    assert found == {name for name, expected in (("torn", torn), ("forgotten", forgotten)) if expected}
