"""The curves of several models: those whose losses compare in one frame, each with its letter and colour."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.cli import numbers
from zoo.cli.curve import letter, overlay
from zoo.cli.frame import Line
from zoo.cli.terminal import cells, cut, is_ascii_only, one_line, say, show, shows_colours, squeeze, width
from zoo.registry.model import Model

if TYPE_CHECKING:
    from rich.text import Text

WIDEST, NARROW = 100, 60
ROWS, NARROW_ROWS = 12, 8
LEAST_NAME = 12  # columns; what does not fit beside it is cut off
QUIET = "dim"


def lines_of(models: Sequence[Model]) -> list[list[Line]]:
    """What there is to draw of models, in groups whose losses compare; says of which there is nothing."""
    from zoo.measure.compare import comparable
    from zoo.registry.history import history

    order = {model.name: number for number, model in enumerate(models)}
    groups = [[Line(m, order[m.name], history(m).val) for m in group] for group in comparable(models)]
    if silent := [line.model.name for group in groups for line in group if not line.points]:
        say(f"zoo: no curve of {', '.join(silent)}: no validation in the log")
    drawn = [[line for line in group if line.points] for group in groups]
    return [group for group in drawn if group]


def show_curves(groups: list[list[Line]]) -> None:
    """Draw each group on stdout, with colours where it has them."""
    for lines in groups:
        show()
        _show_group(lines)


def _show_group(lines: list[Line]) -> None:
    from rich.console import Console
    from rich.text import Text

    columns, colour, plain = min(width(), WIDEST), shows_colours(sys.stdout), is_ascii_only(sys.stdout)
    rows = NARROW_ROWS if columns < NARROW else ROWS
    colours = {line.number: line.colour if colour else "" for line in lines}
    points = {line.number: line.points for line in lines}
    console = Console(width=columns, highlight=False, markup=False)
    title = "validation loss in training by step"
    if columns >= NARROW:
        title = one_line(f"{title}, nats per character ({lines[0].model.record.val_protocol})")
    console.print(Text(cut(title, columns), style="bold"), no_wrap=True)
    for row in overlay(points, columns=max(columns, 20), rows=rows, plain=plain, lettered=not colour):
        styles = (QUIET if piece.line is None else colours[piece.line] for piece in row)
        console.print(Text.assemble(*((piece.text, style) for piece, style in zip(row, styles, strict=True))))
    for text in _legend(lines, colours, columns):
        console.print(text, no_wrap=True)


def _legend(lines: list[Line], colours: dict[int, str], columns: int) -> list["Text"]:
    """Return a line for each model: its letter, its name in the room that is left, its best loss and its last."""
    from rich.text import Text

    losses = [_losses(line, columns) for line in lines]
    room = max(LEAST_NAME, columns - len("a   ") - max(map(len, losses)))
    names = [squeeze(line.model.name, room) for line in lines]
    longest = max(map(cells, names))
    texts = []
    for line, name, best in zip(lines, names, losses, strict=True):
        text = cut(f"{letter(line.number)} {name:<{longest}}  {best}", columns)
        texts.append(Text.assemble((text[:1], colours[line.number]), text[1:]))
    return texts


def _losses(line: Line, columns: int) -> str:
    step, loss = min(line.points, key=lambda point: point[1])
    last = line.points[-1][1]
    best = f"{'best ' if columns >= NARROW else ''}{numbers.loss(loss)} at {step:,.0f}"
    return best if last == loss else f"{best}, last {numbers.loss(last)}"
