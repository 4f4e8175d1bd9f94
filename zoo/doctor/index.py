"""The index: whether registry.toml, every model.toml and the directories under models/ tell the same."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from zoo import locks, moving, tables
from zoo.doctor.changes import Changes
from zoo.doctor.finding import NEWER, TO_THE_TRASH, UPGRADE, Finding, Place
from zoo.doctor.rows import Rows
from zoo.doctor.witnesses import Key, differences, spelt
from zoo.home import Home
from zoo.names import is_name
from zoo.registry import trash
from zoo.registry.model import RUN_LOCK, is_leftover
from zoo.registry.record import OF_THE_READER, Record
from zoo.registry.registry import Registry

WAIT = "wait until its training has come to an end"
OUT = "the row is taken out, and what is left moved to the trash"
REBUILT = "the row and model.toml are written anew from run.toml and what can be read of them"
MANY = 20  # rows that are told of one by one


class Index(Place):
    """All that is wrong between rows, cards and directories, each thing once."""

    where = "registry.toml"

    def __init__(self, home: Home) -> None:
        self.home = home
        self.rows = Rows(home)
        self.changes = Changes(self.rows)

    def alone(self) -> AbstractContextManager[object]:
        return Registry(self.home).alone()

    def save(self) -> None:
        self.changes.save()

    def look(self) -> Iterator[Finding]:
        self.rows = rows = Rows(self.home, self.rows.known)
        self.changes = Changes(rows)
        if rows.newer:
            yield Finding("registry.toml", NEWER, UPGRADE)
            return
        if rows.blindness and rows.tables:
            what = f"it cannot be looked into ({rows.blindness}), though there are {len(rows.tables):,} models"
            yield Finding("models", what, "put it back, or make it readable; nothing is changed meanwhile")
            return
        if rows.problem:
            cure = "written anew from the model.toml of each model"
            yield Finding("registry.toml", rows.problem, cure, self.changes.rebuild)
        lost = [] if rows.problem else [name for name in rows.tables if self._is_lost(name)]
        if len(lost) > MANY:
            what = f"{len(lost):,} rows cannot be meant, the first: {rows.read[lost[0]][1]}"
            yield Finding("registry.toml", what, OUT, partial(self.changes.take_out, *lost))
        for name in () if rows.problem else rows.tables:
            if len(lost) <= MANY or not self._is_lost(name):
                yield from self._row(name)
        moved = {record.id for name, record in rows.records.items() if name not in rows.cards}
        for directory in rows.directories:
            card = rows.cards[directory.name].record
            told = card is not None and (card.id in moved or (rows.problem and is_name(directory.name)))
            if directory.name not in rows.tables and not told and not is_elsewhere(directory):
                yield from self._stray(directory)

    def _row(self, name: str) -> Iterator[Finding]:
        rows, where = self.rows, f"models/{name}"
        record, problem = rows.read[name]
        card = rows.cards.get(name)
        if card is not None and is_elsewhere(self.home.models / name):
            what, cure = "it is a link", "put the directory itself there; nothing behind a link is changed"
            yield Finding(where, what, cure, damage=False)
        elif card is not None and card.advice:
            yield Finding(f"{where}/model.toml", card.problem, card.advice)
        elif record is None and card is not None and card.record is not None:
            mend = partial(self.changes.write_row_anew, name, card.record)
            yield Finding("registry.toml", problem, "the row is written anew from model.toml", mend)
        elif record is None:
            yield self._unreadable(name, problem)
        elif card is None:
            yield self._homeless(name, record)
        elif card.record is None:
            mend = partial(self.changes.write_card_anew, name, record)
            yield Finding(f"{where}/model.toml", card.problem, "written anew from the row", mend)
        elif (different := differences(record, card.record)) and not tables.newer_in(self.home.models / name):
            yield self._apart(name, record, card.record, different)  # a newer file is told of with the model

    def _apart(self, name: str, row: Record, card: Record, different: list[Key]) -> Finding:
        """Report a row and a card that differ."""
        where, what = f"models/{name}", f"the row and model.toml differ: {spelt(different)}"
        settled = self.rows.settled(name, row, card)
        if settled.dispute:
            return Finding(where, settled.dispute, "correct the wrong one in an editor; nothing is changed meanwhile")
        cure = "both are written anew, with what the other files of the model confirm"
        if not differences(settled.record, row):
            cure = "model.toml is written anew from the row"
        elif not differences(settled.record, card):
            cure = "the row is written anew from model.toml"
        mend = partial(self.changes.choose, name, settled.record)
        return Finding(
            where, what, cure, mend, damage=any(group or key not in OF_THE_READER for group, key in different)
        )

    def _unreadable(self, name: str, problem: str) -> Finding:
        """Report a row that makes no record, of a model whose card makes none either."""
        if self._is_in_training(name):
            return Finding("registry.toml", problem, WAIT)
        if is_name(name) and (newer := tables.newer_in(self.home.models / name)):
            return Finding(f"models/{name}/{newer.name}", NEWER, UPGRADE)
        if (found := self.rows.rebuilt(name)) is not None:
            return Finding("registry.toml", problem, REBUILT, partial(self.changes.choose, name, found))
        return Finding("registry.toml", problem, OUT, partial(self.changes.take_out, name))

    def _is_lost(self, name: str) -> bool:
        """Whether a row cannot be read, and nothing else tells what it said."""
        return self.rows.read[name][0] is None and name not in self.rows.cards

    def _is_in_training(self, name: str) -> bool:
        return is_name(name) and locks.is_locked(self.home.models / name / RUN_LOCK)

    def _homeless(self, name: str, record: Record) -> Finding:
        """A row without a directory: renamed by half, or a model that is gone."""
        other = self.rows.strays.get(record.id)
        if other is not None:
            what = f"the directory of model '{name}' is models/{other}"
            if is_name(other):
                cure, mend = f"the model is called '{other}'", partial(self.changes.rename, name, other, record)
            else:
                cure, models = f"the directory is called '{name}' again", self.home.models
                mend = partial(moving.move, models / other, models / name)
            return Finding(f"models/{name}", what, cure, mend)
        if (word := self.rows.trashed.get(record.id)) is not None:
            cure = f"the row is taken out; the model comes back with: zoo restore {word}"
            return Finding(f"models/{name}", "its model is in the trash", cure, partial(self.changes.take_out, name))
        what, cure = "the row has no directory", "the row is moved to the trash; or put the directory back first"
        return Finding(f"models/{name}", what, cure, partial(self.changes.put_row_away, name, record))

    def _stray(self, directory: Path) -> Iterator[Finding]:
        """A directory without a row."""
        name, card = directory.name, self.rows.cards[directory.name]
        where = f"models/{name}"
        put_away = partial(trash.put_away, self.home, directory)
        if card.advice:
            yield Finding(f"{where}/model.toml", card.problem, card.advice)
        elif not directory.exists():
            yield Finding(where, "it is a link that leads nowhere", TO_THE_TRASH, put_away)
        elif self._is_in_training(name):
            yield Finding(where, "it has no row", WAIT)
        elif card.record is None and (newer := tables.newer_in(directory)):
            yield Finding(f"{where}/{newer.name}", NEWER, UPGRADE)
        elif not is_name(name):
            twin = name.casefold() in self.rows.tables or (directory.parent / name.casefold()).exists()
            what = f"it differs from '{name.casefold()}' in case only" if twin else "no model can be called so"
            yield Finding(where, what, TO_THE_TRASH, put_away)
        elif is_leftover(directory):
            yield Finding(where, "it is what was left of a training that had not begun", TO_THE_TRASH, put_away)
        elif card.record is None and (found := self.rows.rebuilt(name)) is not None:
            mend = partial(self.changes.choose, name, found)
            yield Finding(where, f"it has no row, and {card.problem}", REBUILT, mend)
        elif card.record is None:
            yield Finding(where, f"it has no row, and {card.problem}", TO_THE_TRASH, put_away)
        else:
            mend = partial(self.changes.settle, name, card.record)
            yield Finding(where, "it has no row", "the row is written from model.toml", mend)


def is_elsewhere(directory: Path) -> bool:
    """Whether it is a link to a directory, which is not ours to change."""
    return directory.is_symlink() and directory.is_dir()
