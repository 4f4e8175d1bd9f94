"""Differences between a few models, drawn: a row a field, a column a model, and by how much each is more than the
first."""

from itertools import pairwise

from zoo.cli import numbers
from zoo.cli.curve import letter
from zoo.cli.formats import CSV, JSON, MARKDOWN, show_csv, show_markdown
from zoo.cli.json_out import show_json
from zoo.cli.table import Column, blocks, show_blocks, show_stacked
from zoo.cli.terminal import one_line, say, show
from zoo.measure.compare import LOSSES, Field, are_comparable, best, comparable, unlike
from zoo.registry.model import Model

DELTA, UNLIKE = "delta", "*"
LEAST = 3  # models beside each other: with fewer, what is to be compared stands far apart


def show_differences(models: list[Model], fields: list[Field], form: str) -> None:
    """Write them as a table or in another form; say of which models the losses do not compare."""
    names = [model.name for model in models]
    if form == JSON:
        _show_json(models, fields)
        return
    if form == CSV:
        show_csv(["field", *names, *(f"{DELTA} {name}" for name in names[1:])], [_values(field) for field in fields])
    elif form == MARKDOWN:
        drawn = Drawn(models, fields, beside=len(models) == 2)
        show_markdown(drawn.columns(names), drawn.rows())
    else:
        _show_table(models, fields)
    if not are_comparable(models):
        _warn(models)


class Drawn:
    """Fields as texts, with the deltas of two models beside them, or else those of all in a row below."""

    def __init__(self, models: list[Model], fields: list[Field], *, beside: bool) -> None:
        self.beside = beside
        self.heads = [field.key for field in fields]
        self.cells = [[_cell(f.key, *pair, models[0]) for pair in zip(f.values, models, strict=True)] for f in fields]
        self.deltas = [[numbers.delta(field.key, delta) for delta in field.deltas] for field in fields]
        winners = {winner.name for group in comparable(models) if (winner := best(group))}
        self._won = [at for at, model in enumerate(models, 1) if model.name in winners]

    def columns(self, names: list[str]) -> list[Column]:
        return [Column(name, right=bool(name)) for name in ("", *names, *([DELTA] if self.beside else []))]

    def rows(self) -> list[list[str]]:
        rows = []
        for head, cells, deltas in zip(self.heads, self.cells, self.deltas, strict=True):
            rows.append([head, *cells, *(deltas[1:] if self.beside else [])])
            if not self.beside and any(deltas):
                rows.append([f"  {DELTA}", *deltas])
        return rows

    def bold(self) -> set[tuple[int, int]]:
        """Where the best losses stand among the rows and columns."""
        heads = [row[0] for row in self.rows()]
        return {(heads.index(key), at) for key in ("val_loss", "val_bpc") for at in self._won}

    def stacked(self) -> list[list[str]]:
        """A row a field, with each delta behind its value."""
        return [
            [head, *(f"{cell} ({delta})" if delta else cell for cell, delta in zip(cells, deltas, strict=True))]
            for head, cells, deltas in zip(self.heads, self.cells, self.deltas, strict=True)
        ]


def _show_table(models: list[Model], fields: list[Field]) -> None:
    """With the names as heads where there is room, else with the letters that stand for them in their curves."""
    names = [model.name for model in models]
    for beside in (True, False) if len(models) == 2 else (False,):
        drawn = Drawn(models, fields, beside=beside)
        if len(blocks(drawn.columns(names), drawn.rows())) == 1:
            show_blocks(drawn.columns(names), drawn.rows(), bold=drawn.bold())
            return
    columns = drawn.columns([letter(number) for number in range(len(names))])
    for column, name in zip(columns[1:], names, strict=True):
        show(f"{column.title}  {one_line(name)}")
    show()
    if all(end - begin < LEAST for begin, end in pairwise([1, *blocks(columns, drawn.rows())])):
        show_stacked(columns, drawn.stacked())
    else:
        show_blocks(columns, drawn.rows(), bold=drawn.bold())


def _cell(key: str, value: object, model: Model, first: Model) -> str:
    mark = UNLIKE if key in LOSSES and value is not None and unlike(model, first) else ""
    return numbers.field(key, value) + mark


def _values(field: Field) -> list[object]:
    return [field.key, *field.values, *field.deltas[1:]]


def _show_json(models: list[Model], fields: list[Field]) -> None:
    names = [model.name for model in models]
    entries = [
        {
            "field": field.key,
            "values": dict(zip(names, field.values, strict=True)),
            "deltas": dict(zip(names, field.deltas, strict=True)),
        }
        for field in fields
    ]
    groups = [[model.name for model in group] for group in comparable(models)]
    show_json("differences", comparable=len(groups) == 1, groups=groups, fields=entries)


def _warn(models: list[Model]) -> None:
    first, reasons = models[0], dict[str, list[str]]()
    for model in models[1:]:
        if reason := unlike(model, first):
            reasons.setdefault(reason, []).append(model.name)
    why = (
        f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} {reason} than {first.name}"
        for reason, names in reasons.items()
    )
    say(f"zoo: warning: these losses do not compare, so none is better than another: {one_line('; '.join(why))}")
