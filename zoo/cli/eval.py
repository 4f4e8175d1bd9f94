"""zoo eval"""

from typing import TYPE_CHECKING, NamedTuple

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.given import PIPE
from zoo.cli.painter import painter
from zoo.cli.passages import passage_named
from zoo.cli.terminal import say
from zoo.errors import UsageProblem
from zoo.names import single
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
    """Compute the loss of models on the validation part of their own text, or on another: the same number every time.

    \b
    zoo eval shakespeare-nano shakespeare-m2
    zoo eval shakespeare --on alice --on letter.txt
    """
    if words.count(PIPE) > 1:
        raise UsageProblem("standard input can be measured once")
    found = [app.registry.resolve(single(name)) for name in dict.fromkeys(models)]
    passages = [passage_named(app, word, encoding) for word in dict.fromkeys(words)]
    rows = _evaluate(app, found, passages, refresh)
    if as_json:
        from zoo.cli.json_out import show_json

        show_json("eval", unit="nats per character", models=[_entry(row) for row in rows])
    else:
        _show(rows)
    for line in unknown_notes([row.windows for row in rows]):
        say(line)


def _evaluate(app: App, models: list[Model], passages: "list[Passage]", refresh: bool) -> list[Row]:
    """Every model on every passage, or on its own when there is none."""
    from zoo.measure.evaluate import Evaluator
    from zoo.measure.passage import own_passage
    from zoo.protocol import SLIDING_V1, WINDOWS_V1

    rows = []
    with painter() as on_event:
        for model in models:
            evaluator = Evaluator(app.home, model, refresh=refresh)
            for passage in passages or [own_passage(app.home, model)]:
                both = [evaluator.on(passage, protocol, on_event) for protocol in (WINDOWS_V1, SLIDING_V1)]
                rows.append(Row(model, passage, *both))
    return rows


def _show(rows: list[Row]) -> None:
    from zoo.cli.table import Column, show_table
    from zoo.protocol import SLIDING_V1

    columns = [
        Column("model"),
        Column("on", keep=4),
        Column("nats/char", right=True),
        Column("bits/char", right=True, keep=1),
        Column("bits/byte", right=True, keep=5),
        Column("perplexity", right=True, keep=6),
        Column("protocol", keep=3),
        Column(SLIDING_V1, right=True, keep=7),
        Column("known", right=True, keep=2),
    ]
    cells = [
        [
            row.model.name,
            f"{row.passage.name}, validation part" if row.passage.part == "val" else row.passage.name,
            numbers.loss(row.windows.loss),
            numbers.loss(row.windows.bits_per_character),
            numbers.loss(row.windows.bits_per_byte),
            numbers.loss(row.windows.perplexity, 3),
            row.windows.protocol,
            numbers.loss(row.sliding.loss),
            numbers.coverage(row.windows.coverage, flagged=not row.windows.is_covered),
        ]
        for row in rows
    ]
    show_table(columns, cells)


def unknown_notes(evaluations: "list[Evaluation]") -> list[str]:
    """What unknown characters were counted as, if there were any, and which losses to distrust for them."""
    from zoo.measure.evaluate import LEAST_COVERAGE
    from zoo.protocol import bits, unknown_nats

    notes = []
    if any(e.unknown for e in evaluations):
        notes.append(f"a character that a model does not know counts {bits(unknown_nats()):.1f} bits")
    if not all(e.is_covered for e in evaluations):
        low = f"less than {100 * LEAST_COVERAGE:.0f} % of the characters are known"
        notes.append(f"{numbers.FLAG} {low}: the loss tells more about the alphabet than about the model")
    return notes


def _entry(row: Row) -> dict[str, object]:
    return {
        "name": row.model.name,
        "corpus": row.passage.name,
        "part": row.passage.part,
        "known": row.windows.coverage,
        "covered": row.windows.is_covered,
        **figures(row.windows),
        "sliding": figures(row.sliding),
    }


def figures(evaluation: "Evaluation") -> dict[str, object]:
    """An evaluation as JSON: with what it is of, so that it can be traced to weights and text."""
    keys = ("protocol", "loss", "bits_per_character", "bits_per_byte", "perplexity", "characters", "bytes", "unknown")
    values = {key: getattr(evaluation, key) for key in keys}
    return {**values, "weights_sha256": evaluation.weights_sha256, "text_sha256": evaluation.text_sha256}
