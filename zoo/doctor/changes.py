"""What puts rows, cards and directories in step again."""

from dataclasses import replace
from pathlib import Path

from zoo.doctor.rows import Rows
from zoo.doctor.witnesses import differences
from zoo.home import SCHEMA
from zoo.names import is_name
from zoo.registry import trash
from zoo.registry.document import write_card, write_document
from zoo.registry.record import Record


class Changes:
    """Changes to rows, made by who holds the registry. Cards are written at once; the index is left to `save`, which
    writes it once, over what the rows were read from, and moves away after it what has lost its row: so no row ever
    points at nothing, and what an editor has saved meanwhile is looked at first."""

    def __init__(self, rows: Rows) -> None:
        self.rows, self.home = rows, rows.home
        self._changed, self._kept = False, False
        self._leaving: list[Path] = []

    def save(self) -> None:
        if self._changed:
            document = {**self.rows.document, "models": self.rows.tables}
            write_document(self.home.registry, document, over=self.rows.seen)
        for path in self._leaving:
            trash.put_away(self.home, path)

    def choose(self, name: str, record: Record) -> None:
        """Make card and row say what one of them says; what the other said is kept."""
        self._keep_registry()
        trash.keep_copy(self.home, self.home.models / name / "model.toml")
        self.settle(name, record)

    def settle(self, name: str, record: Record) -> None:
        """Make card and row say this."""
        record = replace(record, path=f"models/{name}")
        write_card(self.home.models / name / "model.toml", name, record)
        self._set(name, record)

    def write_row_anew(self, name: str, record: Record) -> None:
        """Make the row say this, in the place of one that cannot be read."""
        self._keep_registry()
        self.settle(name, record)

    def write_card_anew(self, name: str, record: Record) -> None:
        """Make the card say this, in the place of one that cannot be read."""
        path = self.home.models / name / "model.toml"
        trash.keep_copy(self.home, path)
        write_card(path, name, record)

    def rename(self, old: str, new: str, record: Record) -> None:
        """Give a row the name that its directory has. Where the card says more otherwise, the next look decides."""
        del self.rows.tables[old]
        record, card = replace(record, path=f"models/{new}"), self.rows.cards[new].record
        if card is None or differences(replace(card, path=record.path), record):
            self._set(new, record)
        else:
            self.settle(new, record)

    def take_out(self, *names: str) -> None:
        """Take out rows that cannot be read, and what they may have spoken of."""
        self._keep_registry()
        for name in names:
            del self.rows.tables[name]
            if is_name(name) and (self.home.models / name).is_dir():
                self._leaving.append(self.home.models / name)
        self._changed = True

    def put_row_away(self, name: str, record: Record) -> None:
        """Keep a row without a directory in the trash."""
        trash.put_away_row(self.home, name, record)
        del self.rows.tables[name]
        self._changed = True

    def rebuild(self) -> None:
        """Make the rows those of every card, oldest first."""
        self._keep_registry()
        found = {n: card.record for n, card in self.rows.cards.items() if card.record is not None and is_name(n)}
        self.rows.document, self.rows.tables = {"schema": SCHEMA}, {}
        for name in sorted(found, key=lambda name: (found[name].created, name)):
            self._set(name, replace(found[name], path=f"models/{name}"))
        self._changed = True

    def _set(self, name: str, record: Record) -> None:
        self.rows.tables[name] = record.to_table()
        self._changed = True

    def _keep_registry(self) -> None:
        """Put what is about to be lost of registry.toml into the trash: a copy, so that there always is one."""
        if not self._kept:
            trash.keep_copy(self.home, self.home.registry)
        self._kept = True
