"""zoo surprise"""

import contextlib
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo import files
from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.given import PIPE, name_of, read_given
from zoo.cli.painter import painter
from zoo.cli.terminal import cells, is_terminal, one_line, say, width
from zoo.errors import UsageProblem
from zoo.names import single
from zoo.registry.model import Model

if TYPE_CHECKING:
    from zoo.cli.heat import Scale
    from zoo.measure.surprise import Measured

LEAST_CONTEXT = 4  # columns on either side of a character


@click.command(name="surprise")
@click.argument("model", shell_complete=complete.models)
@click.argument("file", type=click.Path(), metavar="FILE|-")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="List the N most surprising characters instead.")
@click.option(
    "--vs", "other", metavar="MODEL", shell_complete=complete.models, help="Show which of the two predicted better."
)
@click.option("--html", type=click.Path(dir_okay=False), metavar="OUT", help="Write a page for a browser instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the text.")
@click.option("--encoding", metavar="E", help="How the text is encoded, when it is told wrong (cp1252, utf-16, ...).")
@click.pass_obj
def command(
    app: App,
    model: str,
    file: str,
    top: int | None,
    other: str | None,
    html: str | None,
    as_json: bool,
    encoding: str | None,
) -> None:
    """Show how much each character of a text surprises a model, in bits.

    \b
    zoo surprise shakespeare letter.txt
    zoo surprise shakespeare letter.txt --top 10
    zoo surprise shakespeare-nano letter.txt --vs shakespeare-m2 --html letter.html
    """
    if html is not None and (top or as_json):
        raise click.UsageError("--html goes with neither --top nor --json")
    models = [app.registry.resolve(single(name)) for name in (model, other) if name is not None]
    text = read_given(file, encoding)
    # begun before the work, to find out now and not in an hour whether it can be written
    with files.draft(_place(html, file)) if html is not None else contextlib.nullcontext() as draft:
        look = Look(name_of(file), models, _measure(models, text))
        if draft is not None:
            _write_page(look, draft)
        elif as_json:
            _show_json(look, top)
        elif top:
            _show_top(look, top)
        else:
            from zoo.cli.heat import show_heat

            show_heat(text, look.drawn.bits, look.scale)
    if html is not None:
        say(f"wrote {one_line(html)}")
    for line in look.summary():
        say(line)


@dataclass(frozen=True)
class Look:
    """A text as one model sees it, or two."""

    name: str
    models: list[Model]
    measured: "list[Measured]"

    @cached_property
    def drawn(self) -> "Measured":
        """What is shown of each character: its bits, or of two models how many the second needs more."""
        from zoo.measure.surprise import gain

        return self.measured[0] if len(self.measured) == 1 else gain(*self.measured)

    @property
    def scale(self) -> "Scale":
        from zoo.cli.heat import BITS, gain_scale

        return BITS if len(self.models) == 1 else gain_scale(*(model.name for model in self.models))

    def summary(self) -> list[str]:
        lines = []
        for model, measured in zip(self.models, self.measured, strict=True):
            bits = numbers.loss(measured.mean if measured.known else None)
            line = f"{model.name}: {bits} bits per character, {len(measured.text):,} characters"
            lines.append(line + (f", {numbers.coverage(measured.coverage)} known" if measured.coverage < 1 else ""))
        if len(self.models) == 2 and self.drawn.known:
            gain = self.drawn.mean
            difference = numbers.loss(abs(gain))
            better = f"{self.models[gain < 0].name} is better by {difference} bits per character"
            lines.append(better if float(difference) else "both need the same bits per character")
            if self.drawn.coverage < 1:
                lines[-1] += f", of the {self.drawn.known:,} that both know"
        return lines


def _measure(models: list[Model], text: str) -> "list[Measured]":
    from zoo.engine.load import engine_of
    from zoo.measure.surprise import surprise

    engines = [engine_of(model) for model in models]
    with painter() as on_event:
        return [
            surprise(*engine, text, on_event, task=model.name) for model, engine in zip(models, engines, strict=True)
        ]


def _place(html: str, file: str) -> Path:
    """Where the page goes; raises UsageProblem for a place that cannot be meant."""
    path = Path(html)
    if html == PIPE:
        raise UsageProblem("--html takes the name of a file")
    if file != PIPE and path.exists() and path.samefile(file):
        raise UsageProblem(f"--html {one_line(html)} would replace the text itself")
    return path


def _write_page(look: Look, draft: files.Draft) -> None:
    from zoo.cli.surprise_page import page

    for piece in page(Path(look.name).name, look.summary(), look.drawn.text, look.drawn.bits, look.scale):
        draft.append(piece.encode())


def _show_json(look: Look, top: int | None) -> None:
    """What is of the second model is null where there is none."""
    from zoo.cli.json_out import show_json
    from zoo.measure.surprise import peaks

    text, (first, *others) = look.drawn.text, look.measured
    second = others[0] if others else None
    shown: dict[str, object]
    if top:
        shown = {
            "top": [
                {
                    **peak._asdict(),
                    "bits": float(first.bits[peak.offset]),
                    "vs_bits": float(second.bits[peak.offset]) if second else None,
                }
                for peak in peaks(text, abs(look.drawn.bits), top)
            ]
        }
    else:
        vs_bits = map(float, second.bits) if second else None
        shown = {"text": text, "bits": map(float, first.bits), "vs_bits": vs_bits}
    show_json(
        "surprise",
        file=look.name,
        characters=len(text),
        model=_entry(look.models[0], first),
        vs=_entry(look.models[1], second) if second else None,
        gain=look.drawn.mean if second else None,
        **shown,
    )


def _entry(model: Model, measured: "Measured") -> dict[str, object]:
    figures = {"bits_per_character": measured.mean, "coverage": measured.coverage, "known_characters": measured.known}
    return {"name": model.name, **figures}


def _show_top(look: Look, top: int) -> None:
    from zoo.cli.alphabet import shape
    from zoo.cli.table import Column, show_table
    from zoo.measure.surprise import peaks

    found = peaks(look.drawn.text, abs(look.drawn.bits), top)
    two = len(look.models) == 2
    columns = [Column("at", right=True), Column("bits", right=True, keep=1 if two else 0), Column("here")]
    rows = [
        [f"{peak.line:,}:{peak.column:,}", f"{look.measured[0].bits[peak.offset]:.2f}", shape(peak.character)]
        for peak in found
    ]
    if two:
        columns[2:2] = [Column("vs", right=True, keep=2), Column("gain", right=True)]
        for row, peak in zip(rows, found, strict=True):
            row[2:2] = [f"{look.measured[1].bits[peak.offset]:.2f}", f"{look.drawn.bits[peak.offset]:+.2f}"]
    room = _room([[column.title for column in columns], *rows])
    columns[-1:] = [Column("before", right=True), columns[-1], Column("after")]
    for row, peak in zip(rows, found, strict=True):
        row[-1:] = [_fitting(peak.before[::-1], room)[::-1], row[-1], _fitting(peak.after, room)]
    show_table(columns, rows)


def _room(rows: list[list[str]]) -> int:
    """Columns for what stands before a character, and as many for what stands after it, beside these rows."""
    from zoo.cli.table import GAP

    if not is_terminal(sys.stdout):
        return width()
    beside = sum(max(cells(one_line(row[i])) for row in rows) + GAP for i in range(len(rows[0])))
    return max(LEAST_CONTEXT, (width() - beside - GAP) // 2)


def _fitting(text: str, columns: int) -> str:
    """As much of a text as fits when it is shown."""
    used = 0
    for end, character in enumerate(text):
        used += cells(one_line(character))
        if used > columns:
            return text[:end]
    return text
