"""What those who let a model write share: the options of sampling, and the way from a name to a voice."""

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
SEED = 0  # of what is to be the same every time
MOST_INPUT = 2**26  # characters: a book, not a device that never ends


def sampling_options(command: F) -> F:
    """The options that say how text is drawn: every field of Sampling, and what goes with them."""
    stop = click.option("--stop", multiple=True, metavar="TEXT", help="End a reply before this text; may be repeated.")
    return _decorated(command, [*_fields(), _seed(), _length(REPLY_LENGTH), stop, _device()])


def repeatable_options(length: int) -> Callable[[F], F]:
    """The same for who measures what is written: a seed that is the same unless another is given, a length of their
    own, and no end before it."""
    return lambda command: _decorated(command, [*_fields(), _seed(SEED), _length(length), _device()])


def _decorated(command: F, options: list[Callable[[F], F]]) -> F:
    for option in reversed(options):
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


def _seed(default: int | None = None) -> Callable[[F], F]:
    return click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=default,
        show_default=True,
        metavar="N",
        help="The same seed gives the same text.",
    )


def _length(default: int) -> Callable[[F], F]:
    return click.option(
        "--max-new",
        type=click.IntRange(min=0),
        default=default,
        show_default=True,
        metavar="N",
        help="Length of a reply.",
    )


def _device() -> Callable[[F], F]:
    return click.option(
        "--device", default="cpu", show_default=True, metavar="D", help="cpu, or cuda or mps for a large model."
    )


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
