"""zoo verify"""

from typing import TYPE_CHECKING

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.painter import painter
from zoo.cli.terminal import say
from zoo.errors import BadData, NotFound
from zoo.registry.record import OVER

if TYPE_CHECKING:
    from zoo.measure.verify import Verdict


@click.command(name="verify")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", shell_complete=complete.models)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_obj
def command(app: App, models: tuple[str, ...], as_json: bool) -> None:
    """Hash weights and text again, and recompute the recorded loss."""
    from zoo.cli.table import Column, show_table
    from zoo.measure.verify import verify

    found = [app.registry.resolve(name) for name in dict.fromkeys(models)]
    with painter() as on_event:
        verdicts = [verify(app.home, model, on_event) for model in found]
    if as_json:
        from zoo.cli.json_out import show_json

        show_json("verify", models=[_entry(verdict) for verdict in verdicts])
    else:
        columns = [Column("model"), Column("recorded", right=True, keep=3), Column("recomputed", right=True, keep=2)]
        columns += [Column("off by", right=True, keep=1), Column("verdict")]
        show_table(columns, [_row(verdict) for verdict in verdicts])
    problems = [verdict.problem for verdict in verdicts if verdict.problem is not None]
    if len(problems) == 1:
        raise problems[0]
    for problem in problems:
        say(f"zoo: warning: {problem}")
    if problems:
        kind = BadData if any(isinstance(problem, BadData) for problem in problems) else type(problems[0])
        raise kind(f"{len(problems)} of {len(found)} models could not be verified")


def _entry(verdict: "Verdict") -> dict[str, object]:
    return {
        "name": verdict.model.name,
        "recorded": verdict.model.record.val_loss,
        "recomputed": verdict.recomputed,
        "difference": verdict.difference,
        "problem": None if verdict.problem is None else str(verdict.problem),
    }


def _row(verdict: "Verdict") -> list[str]:
    return [
        verdict.model.name,
        numbers.loss(verdict.model.record.val_loss),
        numbers.loss(verdict.recomputed),
        "-" if verdict.difference is None else f"{verdict.difference:.1e}",
        _word(verdict),
    ]


def _word(verdict: "Verdict") -> str:
    if verdict.problem is None:
        return "ok"
    if verdict.model.record.status not in OVER:
        return "not finished"
    return "cannot tell" if isinstance(verdict.problem, NotFound) else "not as recorded"
