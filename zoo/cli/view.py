"""The view at the foot of the screen: a bar, and for a training its losses and their curve."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.cli import numbers
from zoo.cli.curve import curve, reach
from zoo.cli.grid import ASCII_MARK, MARK
from zoo.cli.pace import NARROW, Pace
from zoo.cli.terminal import cells

if TYPE_CHECKING:
    from rich.text import Text

WIDEST = 100
LEAST_BAR = 6
ROWS_OF_CURVE, LEAST_ROWS_OF_CURVE, LEAST_COLUMNS_OF_CURVE = 7, 3, 20
CURVE_SECONDS = 0.5
TRAIN, VAL, BAR, QUIET = "cyan", "magenta", "cyan", "dim"


@dataclass(frozen=True)
class Task:
    """What the bar stands for; the first of its facts are the first to go where there is no room."""

    name: str
    done: int
    total: int | None
    facts: tuple[str, ...]


class View:
    """Lines of at most so many columns and rows, that keep still while numbers change."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.task: Task | None = None  # other than to train
        self._facts: tuple[object, int] = (None, 0)
        self._curve: tuple[object, float, list[Text]] = (None, 0.0, [])

    def lines(self, columns: int, rows: int, *, plain: bool) -> list["Text"]:
        from rich.text import Text

        columns = min(columns, WIDEST)
        training = self.pace.max_steps > 0
        task = self.task or (self._training(columns) if training else None)
        if task is None:
            return []
        bar = self._bar(task, columns, plain)
        height = min(ROWS_OF_CURVE, (rows - 3) // 3)
        if not training or rows <= 3:
            return [bar]
        if height < LEAST_ROWS_OF_CURVE or columns < LEAST_COLUMNS_OF_CURVE:
            return [bar, self._losses(columns, "", "")]
        signs = ("..", ASCII_MARK) if plain else ("⠒⠒", MARK)
        return [Text(), bar, self._losses(columns, *signs), *self._drawn_curve(columns, height, plain)]

    def _training(self, columns: int) -> Task:
        pace, narrow = self.pace, columns < NARROW
        done, total = f"{pace.step:,}", f"{pace.max_steps:,}"
        name = f"{'' if narrow else 'step '}{done:>{len(total)}}/{total}"
        speed = f"{pace.tokens_per_second()}{'' if narrow else ' tokens'}/s"
        return Task(name, pace.step, pace.max_steps, (speed, pace.eta()))

    def _bar(self, task: Task, columns: int, plain: bool) -> "Text":
        from rich.text import Text

        narrow = columns < NARROW
        gap = " " if narrow else "  "
        facts = task.facts
        while len(facts) > 1 and cells(gap.join((task.name, *facts))) + len(gap) + LEAST_BAR > columns:
            facts = facts[1:]
        beside = self._still(gap.join(facts), (columns, len(facts), task.total))
        length = max(0, columns - cells(task.name) - len(beside) - 2 * len(gap))
        done = round(length * min(1.0, task.done / task.total)) if task.total else 0
        full, empty = ("#", "-") if plain else ("━", "─")
        bar = Text.assemble((full * done, BAR), (empty * (length - done), QUIET))
        line = Text(gap).join([Text(task.name), bar, Text(beside)])
        line.truncate(columns)
        return line

    def _still(self, facts: str, key: object) -> str:
        """The facts at the length of the longest under this key so far: else the bar would breathe with them."""
        self._facts = key, max(len(facts), self._facts[1] if key == self._facts[0] else 0)
        return facts.rjust(self._facts[1])

    def _losses(self, columns: int, dots: str, mark: str) -> "Text":
        """The losses, each behind the sign that stands for it in the curve, if there is one."""
        from rich.text import Text

        pace, narrow = self.pace, columns < NARROW
        best = None if pace.best is None else pace.best.val_loss
        parts = [("train", pace.train_loss, dots, TRAIN), ("val", pace.val_loss, mark, VAL), ("best", best, "", "")]
        losses = []
        for word, loss, sign, colour in parts:
            shown = numbers.loss(loss, 3 if narrow else 4)
            legend = f"{sign[: 1 if narrow else None]} " if sign else ""
            losses.append(Text.assemble((legend, colour), (f"{word} ", QUIET), shown))
        line = Text(" " if narrow else "   ").join(losses)
        if pace.best is not None and not narrow:
            line.append(f" at step {pace.best.step:,}", QUIET)
        line.truncate(columns)
        return line

    def _drawn_curve(self, columns: int, rows: int, plain: bool) -> list["Text"]:
        """Not anew at every redraw: a curve that shivers is no help."""
        key, now = (columns, rows, self.pace.val_loss), time.monotonic()
        if key != self._curve[0] or now - self._curve[1] > CURVE_SECONDS:
            self._curve = key, now, self._draw_curve(columns, rows, plain)
        return self._curve[2]

    def _draw_curve(self, columns: int, rows: int, plain: bool) -> list["Text"]:
        from rich.text import Text

        pace = self.pace
        last = reach(pace.first, pace.step, pace.max_steps)
        train, val = pace.train.points(), pace.val.points()
        lines = curve(train, val, first=pace.first, last=last, columns=columns, rows=rows, plain=plain)
        drawn = [Text(line) for line in lines]
        for line in drawn:
            line.highlight_regex("[\u2801-\u28ff]+", TRAIN)
            line.highlight_regex(MARK, VAL)
            line.highlight_regex(r"^ *[\d.]*|[┤│]|^ [ \d,]+$", QUIET)
        return drawn
