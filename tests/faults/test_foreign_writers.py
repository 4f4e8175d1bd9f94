"""A program that takes no lock (an editor, git, a sync tool) saves registry.toml while zoo is about to replace it."""

import os
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny import tiny_settings

from zoo import files
from zoo.errors import Changed
from zoo.home import Home
from zoo.registry.registry import Registry

MODEL = "tiny-nano"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.doctor.examination.MOMENT", 0)
    monkeypatch.setattr("zoo.registry.transaction.PAUSE", 0)


class Saver:
    """Saves a home's registry.toml just before zoo replaces it: when the bytes of the replacement are synced."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self._registry = home.registry
        self._sync, self._save, self.times = os.fsync, lambda text: text, 0
        monkeypatch.setattr(os, "fsync", self._fsync)

    def before_next(self, save: Callable[[str], str], times: int = 1) -> None:
        self._save, self.times = save, times

    def _fsync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        if self.times and is_file and path.parent == self._registry.parent.resolve():
            self.times -= 1
            saved = self._registry.with_name("saved")  # as most editors save
            saved.write_text(self._save(self._registry.read_text()))
            os.rename(saved, self._registry)
        self._sync(descriptor)


@pytest.fixture
def saver(home: Home, tiny_model: str, zoo, monkeypatch: pytest.MonkeyPatch) -> Saver:
    """A home with two models, `one` and `tiny-nano`, and somebody who saves its registry at a bad moment."""
    assert zoo("train", "-d", "tiny", "-n", "one", *tiny_settings(max_steps=2)).code == 0
    return Saver(home, monkeypatch)


def noted(text: str) -> str:
    """The registry with a note at tiny-nano."""
    head, row, rest = text.partition(f"[models.{MODEL}]")
    return head + row + rest.replace('note = ""', 'note = "by hand"', 1)


def rows_of(home: Home) -> dict[str, dict]:
    return tomllib.loads(home.registry.read_text())["models"]


CHANGES = {
    "rename": (["rename", "one", "two"], [MODEL, "two"]),
    "rm": (["rm", "one"], [MODEL]),
    "train": (["train", "-d", "tiny", "-n", "two", *tiny_settings(max_steps=2)], [MODEL, "one", "two"]),
    "restore": (["restore", "gone"], [MODEL, "gone", "one"]),
}


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_saved_between_a_look_and_a_replacement_is_kept(zoo, home, saver, change, times):
    command, names = CHANGES[change]
    if change == "restore":
        assert zoo("train", "-d", "tiny", "-n", "gone", *tiny_settings(max_steps=2)).code == zoo("rm", "gone").code == 0
    counter = iter(range(100))
    saver.before_next(lambda text: noted(text) if not next(counter) else text + f"# {next(counter)}\n", times)
    outcome = zoo(*command)
    assert outcome.code == 0, outcome
    assert saver.times == 0
    assert sorted(rows_of(home)) == sorted(names)
    assert rows_of(home)[MODEL]["note"] == "by hand"
    assert "by hand" in zoo("show", MODEL).out
    for name in names:
        assert [*tomllib.loads((home.models / name / "model.toml").read_text())["models"]] == [name]


def test_an_update_of_the_very_row_that_is_saved_keeps_both(home, saver):
    registry = Registry(home)
    saver.before_next(noted)
    registry.update(MODEL, registry.get(MODEL).record.id, tags=("kept",))
    row = rows_of(home)[MODEL]
    assert (row["note"], row["tags"]) == ("by hand", ["kept"])
    assert tomllib.loads((home.models / MODEL / "model.toml").read_text())["models"][MODEL] == row


def without(name: str, text: str) -> str:
    """The registry without a row, which is the last one."""
    return text.partition(f"[models.{name}]")[0]


def test_a_row_that_is_deleted_meanwhile_does_not_come_back(zoo, home, saver):
    saver.before_next(lambda text: without("one", text))
    outcome = zoo("rename", "one", "two")
    assert outcome.code == 3
    assert "removed or renamed meanwhile" in outcome.err
    assert list(rows_of(home)) == [MODEL]
    assert (home.models / "one").is_dir()


def test_a_name_that_is_taken_meanwhile_is_a_conflict(zoo, home, saver):
    saver.before_next(lambda text: text.replace("models.one", "models.two").replace('"models/one"', '"models/two"'))
    outcome = zoo("train", "-d", "tiny", "-n", "two", *tiny_settings(max_steps=2))
    assert outcome.code == 5
    assert list(rows_of(home)) == [MODEL, "two"]


@pytest.mark.parametrize("text", ["schema = 1\n<<<<<<< ours\n", "", "?"])
def test_what_cannot_be_read_any_more_is_named_and_not_replaced(zoo, home, saver, text):
    saver.before_next(lambda _: text)
    outcome = zoo("rename", "one", "two")
    assert outcome.code == 4
    assert "zoo doctor" in outcome.err
    assert home.registry.read_text() == text
    assert (home.models / "one").is_dir()
    assert zoo("doctor", "--repair").code == 0
    assert sorted(rows_of(home)) == ["one", MODEL]


def test_a_file_that_changes_all_the_time_is_a_conflict(zoo, home, saver):
    saver.before_next(lambda text: text + "# again\n", times=1000)
    outcome = zoo("rename", "one", "two")
    assert outcome.code == 5
    assert "another program changes" in outcome.err
    saver.before_next(str, times=0)
    assert zoo("doctor").code == 0


def test_a_change_that_fails_later_takes_back_nothing_of_others(zoo, home, saver, monkeypatch):
    """The row is gone, somebody saves, and then the directory cannot be moved."""
    rename = os.rename

    def failing(source: Path, target: Path) -> None:
        if home.trash in Path(target).parents:
            home.registry.write_text(noted(home.registry.read_text()))
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    assert zoo("rm", "one").code == 6
    assert rows_of(home)[MODEL]["note"] == "by hand"
    monkeypatch.setattr(os, "rename", rename)
    assert zoo("doctor", "--repair").code == 0
    assert sorted(rows_of(home)) == ["one", MODEL]
    assert rows_of(home)[MODEL]["note"] == "by hand"


def test_a_repair_looks_again_at_what_is_saved_meanwhile(zoo, home, saver):
    (home.models / "one").rename(home.models / "two")
    saver.before_next(noted)
    assert zoo("doctor", "--repair").code == 0
    assert saver.times == 0
    assert sorted(rows_of(home)) == [MODEL, "two"]
    assert rows_of(home)[MODEL]["note"] == "by hand"
    assert zoo("doctor").code == 0


def test_a_write_over_what_was_seen_is_refused_when_it_changed(tmp_path):
    path = tmp_path / "file"
    for before, after in ((b"old", b"new"), (b"old", None), (None, b"new")):
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)
        seen = files.Seen(path, limit=100)
        path.unlink(missing_ok=True)
        if after is not None:
            path.write_bytes(after)
        with pytest.raises(Changed, match="another program has changed"):
            files.write_bytes(path, b"ours", over=seen)
        assert (path.read_bytes() if path.exists() else None) == after
        assert not list(tmp_path.glob(f"{files.TEMPORARY}*"))
