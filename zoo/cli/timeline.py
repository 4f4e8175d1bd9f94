"""zoo timeline"""

import math
import sys
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from zoo.cli import complete, numbers, replies
from zoo.cli.app import App
from zoo.cli.evaluations import UNIT, figures
from zoo.cli.painter import painter
from zoo.cli.talking import crop, repeatable_options
from zoo.cli.terminal import RESET, is_terminal, say, show, width
from zoo.engine.sampling import Sampler, Sampling
from zoo.errors import NotFound, UsageProblem
from zoo.names import single

if TYPE_CHECKING:
    from zoo.measure.evaluate import Evaluation
    from zoo.registry.model import Model
    from zoo.talk.text import Piece

LENGTH = 160
BOLD = "\x1b[1m"


@click.command(name="timeline")
@click.argument("model", shell_complete=complete.models)
@click.argument("prompt", required=False, default="")
@click.option("--steps", metavar="N,...", help="Show these steps alone.")
@repeatable_options(LENGTH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
@click.pass_obj
def command(
    app: App,
    /,
    model: str,
    prompt: str,
    steps: str | None,
    as_json: bool,
    max_new: int,
    seed: int,
    device: str,
    **sampling: Any,
) -> None:
    """Watch a model learn: one prompt at each step that was kept, and the loss.

    \b
    zoo train -d shakespeare --keep log
    zoo timeline shakespeare "ROMEO:"
    zoo timeline shakespeare "ROMEO:" --steps 0,64,1024

    Every step writes with the same seed. `kept` are the weights that the training kept.
    """
    from zoo.measure.timeline import stages, step_of
    from zoo.talk.text import Piece

    options, text = Sampling(**sampling), crop(prompt)
    whole = app.registry.resolve(single(model))
    found = stages(whole, _steps(steps))
    say(f"zoo: {whole.name}, {len(found)} steps, seed {seed}, temperature {options.temperature:g}")
    losses, entries = Losses(app), []
    for i, stage in enumerate(found):
        pieces = _written(stage, device, text, Sampler(options, seed), max_new)  # which fails before a loss is counted
        step, kept, evaluation = step_of(stage), stage.snapshot is None, losses.of(stage)
        if as_json:
            entries.append(
                {"step": step, "kept": kept, "evaluation": evaluation and figures(evaluation), "text": _joined(pieces)}
            )
            continue
        if i:
            show()
        show(_bold(heading(step, evaluation, kept=kept)))
        replies.draw([(stage.name, chain([Piece(text)], pieces))])
    if as_json:
        from zoo.cli.json_out import show_json

        about = {"prompt": text, "seed": seed, "sampling": options.to_dict()}
        show_json("timeline", model=whole.name, **about, unit=UNIT, steps=entries)


class Losses:
    """The losses of one model at its steps, as long as the text that it was trained on is here."""

    def __init__(self, app: App) -> None:
        self._app, self._is_lost = app, False

    def of(self, model: "Model") -> "Evaluation | None":
        """None without the text, which is said once."""
        from zoo.measure.evaluate import Evaluator
        from zoo.measure.passage import own_passage

        if self._is_lost:
            return None
        try:
            with painter() as on_event:
                return Evaluator(self._app.home, model).on(own_passage(self._app.home, model), on_event=on_event)
        except NotFound as error:
            self._is_lost = True
            say(f"zoo: warning: no losses: {error}")
            return None


def _steps(words: str | None) -> list[int] | None:
    """Steps from `0,64,1024`; raises UsageProblem for what is none."""
    if words is None:
        return None
    steps = [word.strip() for word in words.split(",")]
    wrong = [step for step in steps if not (step.isascii() and step.isdecimal() and len(step) <= 10)]
    if wrong:
        raise UsageProblem(f"'{wrong[0][:40]}' is no step; steps are numbers, as in --steps 0,64,1024")
    return [int(step) for step in steps]


def _written(model: "Model", device: str, prompt: str, sampler: Sampler, length: int) -> "Iterator[Piece]":
    """What a model writes after a prompt; raises BadData at once for what cannot be begun."""
    from zoo.engine.load import engine_of
    from zoo.talk.voice import Voice

    return Voice(model.name, *engine_of(model, device), [model]).begin(prompt, sampler).write(length)


def _joined(pieces: "Iterator[Piece]") -> str:
    return "".join(piece.text for piece in pieces)


def heading(step: int, evaluation: "Evaluation | None", *, kept: bool) -> str:
    """The line above a text; on a terminal as much of it as fits."""
    begin = f"step {step}{', kept' if kept else ''}"
    loss = numbers.loss(evaluation.loss if evaluation else None)
    in_bits = f" ({numbers.loss(evaluation.bits_per_character)} bits)" if evaluation else ""
    forms = [
        f"{begin}   val loss {loss} nats/char{in_bits}",
        f"{begin}   val loss {loss}{in_bits}",
        f"{begin}  {loss}{in_bits}",
        f"{begin}  {loss}",
    ]
    room = width() if is_terminal(sys.stdout) else math.inf
    return next((form for form in forms if len(form) <= room), forms[-1])


def _bold(line: str) -> str:
    return f"{BOLD}{line}{RESET}" if is_terminal(sys.stdout) else line
