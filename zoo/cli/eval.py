"""zoo eval"""

from typing import TYPE_CHECKING, NamedTuple

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.evaluations import UNIT, figures, unknown_notes
from zoo.cli.given import PIPE
from zoo.cli.painter import painter
from zoo.cli.passages import passage_named
from zoo.cli.terminal import one_line, say
from zoo.errors import UsageProblem, ZooError
from zoo.registry.model import Model

if TYPE_CHECKING:
    from zoo.measure.evaluate import Evaluation
    from zoo.measure.passage import Passage


class Row(NamedTuple):
    """A model on a text: the loss that is ranked, and the same with a longer context."""

    model: Model
    passage: "Passage"
    windows: "Evaluation"
    sliding: "Evaluation"


@click.command(name="eval")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", shell_complete=complete.models)
@click.option(
    "--on",
    "words",
    multiple=True,
    metavar="DATASET|FILE|-",
    shell_complete=complete.corpora,
    help="Measure on this text, of a fetched one on its validation part; may be repeated.",
)
@click.option("--refresh", is_flag=True, help="Compute anew what was computed before.")
@click.option("--encoding", metavar="E", help="How a file is encoded, when it is told wrong (cp1252, utf-16, ...).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_obj
def command(
    app: App, models: tuple[str, ...], words: tuple[str, ...], refresh: bool, encoding: str | None, as_json: bool
) -> None:
    """Compute the exact loss of models, on their own text or another.

    Of a fetched text the validation part is measured, and the number is the same every time. A MODEL is a name, or a
    filter as in zoo list.

    \b
    zoo eval shakespeare-nano shakespeare-m2
    zoo eval dataset=shakespeare --on alice --on letter.txt
    """
    if words.count(PIPE) > 1:
        raise UsageProblem("standard input can be measured once")
    found = app.models(models)
    passages = [passage_named(app, word, encoding) for word in dict.fromkeys(words)]
    rows, problems = _evaluate(app, found, passages, refresh)
    if problems and not rows:
        _raise(problems)
    if as_json:
        from zoo.cli.json_out import show_json

        show_json("eval", unit=UNIT, evaluations=[_entry(row) for row in rows])
    else:
        _show(rows)
    for line in unknown_notes([row.windows for row in rows]):
        say(line)
    _raise(problems)


def _evaluate(
    app: App, models: list[Model], passages: "list[Passage]", refresh: bool
) -> tuple[list[Row], list[ZooError]]:
    """Every model on every passage, or on its own when there is none; and what went wrong with the others."""
    from zoo.measure.evaluate import Evaluator
    from zoo.measure.passage import own_passage
    from zoo.protocol import SLIDING_V1, WINDOWS_V1

    rows, problems = [], dict[str, ZooError]()
    with painter() as on_event:
        for model in models:
            evaluator = Evaluator(app.home, model, refresh=refresh)
            try:
                for passage in passages or [own_passage(app.home, model)]:
                    both = [evaluator.on(passage, protocol, on_event) for protocol in (WINDOWS_V1, SLIDING_V1)]
                    rows.append(Row(model, passage, *both))
            except ZooError as error:
                problems.setdefault(str(error), error)
    return rows, list(problems.values())


def _raise(problems: list[ZooError]) -> None:
    """The last of what went wrong ends the command, the others are said before."""
    for problem in problems[:-1]:
        say(f"zoo: warning: {one_line(str(problem))}")
    for problem in problems[-1:]:
        raise problem


def _show(rows: list[Row]) -> None:
    from zoo.cli.table import Column, show_table
    from zoo.protocol import SLIDING_V1

    columns = [
        Column("model"),
        Column("on", keep=1),
        Column("nats/char", right=True),
        Column("bits/char", right=True, keep=3),
        Column("bits/byte", right=True, keep=5),
        Column("perplexity", right=True, keep=7),
        Column("protocol", keep=4),
        Column(f"nats/char, {SLIDING_V1}", right=True, keep=6),
        Column("known", right=True, keep=2),
    ]
    cells = [
        [
            row.model.name,
            f"{row.passage.name}, validation part" if row.passage.part == "val" else row.passage.name,
            ("" if row.windows.is_covered else numbers.FLAG) + numbers.loss(row.windows.loss),
            numbers.loss(row.windows.bits_per_character),
            numbers.loss(row.windows.bits_per_byte),
            numbers.loss(row.windows.perplexity, 3),
            row.windows.protocol,
            numbers.loss(row.sliding.loss),
            numbers.coverage(row.windows.coverage),
        ]
        for row in rows
    ]
    show_table(columns, cells)


def _entry(row: Row) -> dict[str, object]:
    return {
        "model": row.model.name,
        "text": row.passage.name,
        "part": row.passage.part,
        **figures(row.windows),
        "sliding": figures(row.sliding),
    }
