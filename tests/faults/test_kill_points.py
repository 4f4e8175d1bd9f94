"""A process that ends by SIGKILL in any call that writes, or between two, leaves the old state or the new one."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.acts import ACTS, CASE_NAMES, CASES, TRASH, Play, check_files, check_rows, home_in, look, mended, reads
from faults.disk import Disk, Moment, Operation, in_a_child, scratch, without_syncs

from zoo.doctor.examination import repair
from zoo.errors import ZooError
from zoo.home import Home
from zoo.registry.registry import Registry

# what `zoo doctor --repair` has to mend after a kill in an act
TEMPORARY = "it was left half written by a process that is gone"
UNBEGUN = "it is what was left of a training that had not begun"
NO_ROW = "it has no row"
MOVED = "the directory of model 'one' is models/new"
APART = "the row and model.toml differ"
UNNAMED = "it names no text of 'tiny' that is here"
LEFT = {
    "create": {TEMPORARY},
    "store": {TEMPORARY, UNNAMED},
    "refetch": {TEMPORARY},
    "claim": {TEMPORARY, UNBEGUN},
    "claim_again": {TEMPORARY, UNBEGUN},
    "finish": {TEMPORARY, APART},
    "interrupt": {TEMPORARY, APART},
    "rename": {TEMPORARY, MOVED},
    "discard": {TEMPORARY, NO_ROW},
    "restore": {TEMPORARY, NO_ROW},
}


@pytest.fixture(scope="module")
def play() -> Iterator[Play]:
    with scratch() as folder:
        yield Play(folder)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("zoo.doctor.examination.MOMENT", 0)
    with without_syncs():
        yield


def killed(number: int, home: Home, at: int, moment: Moment, apart: str) -> bool:
    """Whether the act was killed there; it must not fail before."""

    def work() -> None:
        with Disk(home.path.parent.parent, at=at, dying=moment, apart=apart).watched():
            ACTS[number].do(home)

    ended = in_a_child(work)
    assert ended in (0, signal.SIGKILL), "the act failed in the child"
    return ended == signal.SIGKILL


def operations(play: Play, number: int, apart: str) -> list[Operation]:
    """Every call of an act that writes."""
    home = play.stage(number)
    disk = Disk(home.path.parent.parent, apart=apart)
    with disk.watched():
        ACTS[number].do(home)
    return disk.asked


@pytest.mark.parametrize(("number", "apart"), CASES, ids=CASE_NAMES)
def test_a_kill_at_every_operation_leaves_the_old_state_or_the_new_one(play, number, apart, zoo):
    act, old, new = ACTS[number], play.old[number], play.new[number]
    left = set()
    for at, operation in enumerate(operations(play, number, apart), 1):
        # after one operation is before the next
        for moment in ("before", "half") if operation.kind == "write" else ("before", "after"):
            if moment == "before" and at > 1:
                continue
            home = play.stage(number)
            assert killed(number, home, at, moment, apart)
            why = f"killed {moment} operation {at}, {operation}"
            check_as_left(play, number, home, why)
            reads(home)
            assert zoo("--home", str(home.path), "list").code == 0, why
            left |= repaired(play, number, home)
            if look(home).holds(old) and old != new:
                act.do(home)
                assert look(home).holds(new), why
    assert left <= LEFT[act.name]


@pytest.mark.parametrize(("number", "apart"), CASES, ids=CASE_NAMES)
def test_what_was_killed_can_be_asked_for_again_without_a_repair(play, number, apart, size, chance):
    """It is done, or what stands in the way is named in one line; and then a repair makes way."""
    act, old, new = ACTS[number], play.old[number], play.new[number]
    points = range(1, len(operations(play, number, apart)) + 1)
    for at in chance.sample(points, min(len(points), size("kills") // 25)):
        home = play.stage(number)
        assert killed(number, home, at, "after", apart)
        try:
            act.do(home)
        except ZooError as error:
            assert len(str(error).splitlines()) == 1
            repaired(play, number, home)
            if look(home).holds(old) and old != new:
                act.do(home)
        state = look(home)
        assert state.holds(new), f"killed after operation {at}"
        check_rows(home)


def check_as_left(play: Play, number: int, home: Home, why: str) -> None:
    """Before any repair the index is old or new as a whole, every file is whole, and what the index speaks of is there,
    but for a model on its way to another name."""
    state, old, new = look(home), play.old[number], play.new[number]
    assert state.rows in (old.rows, new.rows), why
    assert state.current in (old.current, new.current), why
    check_files(home, play.known)
    if ACTS[number].name != "rename":
        check_rows(home)


def repaired(play: Play, number: int, home: Home) -> set[str]:
    """What `zoo doctor --repair` mended; then it is the old state or the new one and nothing else."""
    old, new = play.old[number], play.new[number]
    state, what = mended(home)
    assert state.holds(new) or state.holds(old) or state.is_before_the_commit(old, new)
    check_rows(home)
    assert mended(home)[1] == set()
    assert home_in(home.path.parent.parent) == home
    return {finding.partition(":")[0] for finding in what if not finding.startswith("an older text")}


DAMAGES: dict[str, Callable[[Home], object]] = {
    "registry missing": lambda home: home.registry.unlink(),
    "registry damaged": lambda home: home.registry.write_text("schema = 1\n[models"),
    "rows lost": lambda home: home.registry.write_text("schema = 1\n"),
    "a row damaged": lambda home: edit(home.registry, "steps = ", "steps = 'many' # "),
    "a card damaged": lambda home: (home.models / "new" / "model.toml").write_text("?"),
    "row and card apart": lambda home: edit(home.registry, 'note = ""', 'note = "mine"'),
    "a vocabulary lost": lambda home: (home.models / "new" / "vocab.json").unlink(),
    "a spec damaged": lambda home: (home.models / "new" / "run.toml").write_text("?"),
    "weights damaged": lambda home: (home.models / "new" / "weights.safetensors").write_text("?"),
    "renamed by half": lambda home: (home.models / "new").rename(home.models / "newer"),
    "no current text": lambda home: (home.corpora / "tiny" / "current").unlink(),
    "a text damaged": lambda home: edit(next(home.corpora.glob("tiny/*/text.txt")), "the", "THE"),
}


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.parametrize("apart", ["", TRASH], ids=["one-disk", "across-disks"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_repair_that_is_killed_at_any_operation_is_finished_by_the_next(play, damage, apart):
    def damaged() -> Home:
        home = play.stage(ACTS.index(next(act for act in ACTS if act.name == "refetch")))
        DAMAGES[damage](home)
        return home

    home = damaged()
    disk = Disk(home.path.parent.parent, apart=apart)
    with disk.watched():
        repair(home)
    wanted = look(home)
    assert len(disk.asked) > 3
    for at in range(1, len(disk.asked) + 1):
        home = damaged()

        def work(home: Home = home, at: int = at) -> None:
            with Disk(home.path.parent.parent, at=at, dying="after", apart=apart).watched():
                repair(home)

        assert in_a_child(work) == signal.SIGKILL
        reads_or_points_to_the_doctor(home)
        state, _ = mended(home)
        assert state.holds(dataclasses.replace(wanted, trash=())), f"killed after operation {at}, {disk.asked[at - 1]}"


def reads_or_points_to_the_doctor(home: Home) -> None:
    try:
        Registry(home).models()
    except ZooError as error:
        assert "zoo doctor" in str(error)


@pytest.mark.timeout(3600)
def test_a_training_that_is_killed_at_any_operation_and_resumed_comes_out_the_same(size, chance):
    """By a process that never trains itself, for one that has cannot be forked."""
    from faults import training

    with training.rehearsed() as (folder, stage, disk, (log, sha256, loss)):
        points = [
            (at, moment)
            for at, operation in enumerate(disk.asked, 1)
            for moment in (("half", "after") if operation.kind == "write" else ("after",))
        ]
        chosen = chance.sample(points, min(len(points), size("kills") // 8))
        lines = [json.dumps([str(stage), str(folder / "home"), at, moment]) for at, moment in chosen]
        tests = str(Path(__file__).resolve().parent.parent)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")])}
        command = [sys.executable, "-m", "faults.training"]
        done = subprocess.run(
            command, input="\n".join(lines), capture_output=True, text=True, env=environment, check=True
        )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(chosen)
    for (at, moment), outcome in zip(chosen, found, strict=True):
        why = f"killed {moment} operation {at}, {disk.asked[at - 1]}\n{done.stderr}"
        assert outcome["first"] == signal.SIGKILL, why
        assert outcome["second"] == 0, why
        assert (outcome["log"].encode(), outcome["sha256"], outcome["loss"]) == (log, sha256, loss), why
