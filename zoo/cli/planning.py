"""The plan of a run, drawn: a table for --dry-run, two lines before the first step; and how a time limit is written."""

import dataclasses
import re

import click

from zoo.cli import numbers
from zoo.cli.terminal import say
from zoo.events import Planned

_LIMIT = re.compile(r"(?:(\d{1,5})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?|(\d{1,9})")


class TimeLimit(click.ParamType):  # type: ignore[type-arg]  # which is generic since click 8.3
    """90, 90s, 10m, 1h30m: seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _LIMIT.fullmatch(str(value).strip().lower())
        hours, minutes, seconds, bare = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
        if not (total := 3600 * hours + 60 * minutes + seconds + bare):
            self.fail(f"a time is written as 90s, 10m or 1h30m, not '{value}'", param, ctx)
        return total


def short(event: Planned) -> str:
    """The plan before the first step."""
    memory = "" if event.memory is None else f", {numbers.size(event.memory)} of memory"
    validations = f"{event.validations:,} validation{'s' * (event.validations != 1)}"
    steps = f"{event.steps:,} steps of {_step(event)}"
    return (
        f"plan: about {numbers.duration(event.seconds)} ({steps}, {validations}){memory}\n"
        f"plan: reads the text {_times(event)} times ({numbers.count(event.train_ids)} ids to train on)"
    )


def show_plan(event: Planned, as_json: bool) -> None:
    """The plan that --dry-run asks for."""
    if as_json:
        from zoo.cli.json_out import show_json

        show_json("plan", **dataclasses.asdict(event))
        return
    from zoo.cli.table import Column, show_table

    rows = [
        ("model", event.name),
        ("text", event.dataset),
        ("preset", event.preset),
        ("device", event.device),
        ("number format", event.dtype),
        ("parameters", f"{event.parameters:,}"),
        ("tokens a step", f"{event.tokens:,}"),
        ("steps", f"{event.steps:,}"),
        ("a step takes", _step(event)),
        ("validations", f"{event.validations:,}"),
        ("time", f"about {numbers.duration(event.seconds)}"),
        ("memory", numbers.UNKNOWN if event.memory is None else f"about {numbers.size(event.memory)}"),
        ("ids to train on", f"{event.train_ids:,}"),
        ("each is read", f"{_times(event)} times"),
    ]
    show_table([Column("plan"), Column("")], rows)
    if event.warning:
        say(f"zoo: warning: {event.warning}")


def _step(event: Planned) -> str:
    seconds = event.step_seconds
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def _times(event: Planned) -> str:
    return f"{event.epochs:.1f}" if event.epochs < 100 else f"{event.epochs:,.0f}"
