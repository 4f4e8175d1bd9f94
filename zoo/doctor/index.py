"""The index: whether registry.toml, every model.toml and the directories under models/ tell the same."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from zoo.doctor.finding import TO_THE_TRASH, UPGRADE, Finding
from zoo.doctor.rows import Rows, is_name
from zoo.registry import trash
from zoo.registry.record import Record
from zoo.registry.registry import is_leftover


def index(rows: Rows) -> Iterator[Finding]:
    """All that is wrong between rows, cards and directories, each thing once."""
    if rows.newer:
        yield Finding("registry.toml", rows.problem, UPGRADE)
        return
    if rows.problem:
        yield Finding("registry.toml", rows.problem, "written anew from the model.toml of each model", rows.rebuild)
    else:
        for name in rows.tables:
            yield from _row(rows, name)
    moved = {record.id for name, record in rows.records.items() if name not in rows.cards}
    for directory in rows.directories:
        card = rows.cards[directory.name].record
        told = card is not None and is_name(directory.name) and (rows.problem or card.id in moved)
        if directory.name not in rows.tables and not told:
            yield from _stray(rows, directory)


def _row(rows: Rows, name: str) -> Iterator[Finding]:
    record, problem = rows.record(name)
    card = rows.cards.get(name)
    where = f"models/{name}"
    if card is not None and card.advice:
        yield Finding(f"{where}/model.toml", card.problem, card.advice)
    elif record is None and card is not None and card.record is not None:
        cure = "the row is written anew from model.toml"
        yield Finding("registry.toml", problem, cure, partial(rows.replace_row, name, card.record))
    elif record is None:
        cure = "the row is taken out, and what is left moved to the trash"
        yield Finding("registry.toml", problem, cure, partial(rows.drop, name))
    elif card is None:
        yield _homeless(rows, name, record)
    elif card.record is None:
        cure = "written anew from the row"
        yield Finding(f"{where}/model.toml", card.problem, cure, partial(rows.write_card, name, record))
    elif different := _differences(record, card.record):
        better = rows.better(name, record, card.record)
        stale, source = ("model.toml", "the row") if better is record else ("the row", "model.toml")
        cure = f"{stale} is written anew from {source}"
        what = f"the row and model.toml differ: {', '.join(different)}"
        yield Finding(where, what, cure, partial(rows.settle, name, better))


def _homeless(rows: Rows, name: str, record: Record) -> Finding:
    """A row without a directory: renamed by half, or a model that is gone."""
    if other := rows.strays.get(record.id):
        what, cure = f"the directory of model '{name}' is models/{other}", f"the model is called '{other}'"
        return Finding(f"models/{name}", what, cure, partial(rows.rename, name, other, record))
    what, cure = "the row has no directory", "the row is moved to the trash"
    return Finding(f"models/{name}", what, cure, partial(rows.discard_row, name, record))


def _stray(rows: Rows, directory: Path) -> Iterator[Finding]:
    """A directory without a row."""
    name, card = directory.name, rows.cards[directory.name]
    where = f"models/{name}"
    put_away = partial(trash.put_away, rows.home, directory)
    if card.advice:
        yield Finding(f"{where}/model.toml", card.problem, card.advice)
    elif not directory.exists():
        yield Finding(where, "it is a link that leads nowhere", TO_THE_TRASH, put_away)
    elif not is_name(name):
        twin = name.casefold() in rows.tables or (directory.parent / name.casefold()).exists()
        what = f"it differs from '{name.casefold()}' in case only" if twin else "no model can be called so"
        yield Finding(where, what, TO_THE_TRASH, put_away)
    elif is_leftover(directory):
        yield Finding(where, "it is what was left of a training that had not begun", TO_THE_TRASH, put_away)
    elif card.record is None:
        yield Finding(where, f"it has no row, and {card.problem}", TO_THE_TRASH, put_away)
    else:
        cure = "the row is written from model.toml"
        yield Finding(where, "it has no row", cure, partial(rows.settle, name, card.record))


def _differences(row: Record, card: Record) -> list[str]:
    """The keys in which two records differ."""
    one, other = row.to_table(), card.to_table()
    # nan is not equal to itself, but reads the same
    return [k for k in {**one, **other} if one.get(k) != other.get(k) and repr(one.get(k)) != repr(other.get(k))]
