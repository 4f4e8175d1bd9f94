"""What chat and generate share: the options of sampling, and the way from a name to a voice."""

import dataclasses
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from zoo.cli.app import App
from zoo.cli.terminal import say
from zoo.engine.sampling import Sampling
from zoo.errors import UsageProblem
from zoo.names import LONGEST, may_be_reference, split_blend
from zoo.talk import LONGEST_PROMPT, REPLY_LENGTH

if TYPE_CHECKING:
    from zoo.talk.voice import Voice

F = TypeVar("F", bound=Callable[..., Any])
METAVARS = {int: "N", float: "X"}
MOST_INPUT = 2**26  # characters: a book, not a device that never ends


def sampling_options(command: F) -> F:
    """The options that say how text is drawn: every field of Sampling, and what goes with them."""
    for option in reversed([*_fields(), *_others()]):
        command = option(command)
    return command


def _fields() -> list[Callable[[F], F]]:
    return [
        click.option(
            f"--{f.name.replace('_', '-')}",
            type=f.type,
            default=f.default,
            show_default=True,
            metavar=METAVARS[f.type],  # type: ignore[index]
            help=f"{f.metadata['help'][:1].upper()}{f.metadata['help'][1:]}.",
        )
        for f in dataclasses.fields(Sampling)
    ]


def _others() -> list[Callable[[F], F]]:
    length = click.IntRange(min=0)
    return [
        click.option("--seed", type=length, metavar="N", help="The same seed gives the same text."),
        click.option(
            "--max-new", type=length, default=REPLY_LENGTH, show_default=True, metavar="N", help="Length of a reply."
        ),
        click.option("--stop", multiple=True, metavar="TEXT", help="End a reply before this text; may be repeated."),
        click.option(
            "--device", default="cpu", show_default=True, metavar="D", help="cpu, or cuda or mps for a large model."
        ),
    ]


def check_reference(reference: str | None) -> None:
    """Raise UsageProblem for what is no name of a model, but looks like what should be said to one."""
    if reference is not None and not may_be_reference(reference):
        raise UsageProblem(
            f"'{reference[:LONGEST]}' names no model: a model comes first, then a text (zoo generate MODEL PROMPT); "
            "in zoo chat texts are typed when it has begun"
        )


def open_voice(app: App, reference: str | None, device: str, *, announced: bool = False) -> "Voice":
    """The voice that a reference means; says which model was taken when that is not plain, unless the caller announces
    it to whoever sits at the terminal."""
    from zoo.talk.load import load_voice

    check_reference(reference)
    voice = load_voice(app.registry, reference, device)
    named = [] if reference is None else [name for name, _ in split_blend(reference)]
    if [model.name for model in voice.models] != named and not (announced and sys.stdin.isatty()):
        say(f"zoo: talking to {voice.name}")
    return voice


def read_input() -> str:
    """All of standard input; raises UsageProblem when it is more than a text could have."""
    text = sys.stdin.read(MOST_INPUT + 1)
    if len(text) > MOST_INPUT:
        raise UsageProblem(f"a prompt of more than {MOST_INPUT:,} characters is none; give its end alone")
    return text


def crop(prompt: str) -> str:
    """The end of a prompt that is far longer than any context; says that the rest is left out."""
    if len(prompt) > LONGEST_PROMPT:
        say(f"zoo: of a prompt of {len(prompt):,} characters the last {LONGEST_PROMPT:,} are taken")
    return prompt[-LONGEST_PROMPT:]
