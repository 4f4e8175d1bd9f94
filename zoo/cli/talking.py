"""What chat and generate share: the options of sampling, and the way from a name to a session."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from zoo.cli.app import App
from zoo.cli.terminal import say
from zoo.engine.sampling import Sampling
from zoo.registry.model import Model
from zoo.talk import REPLY_LENGTH

if TYPE_CHECKING:
    from zoo.talk.session import Session

F = TypeVar("F", bound=Callable[..., Any])


def sampling_options(command: F) -> F:
    """The options that say how text is drawn."""
    for option in (
        click.option("--seed", type=int, metavar="N", help="The same seed gives the same text."),
        click.option(
            "--top-k",
            type=int,
            default=Sampling.top_k,
            metavar="N",
            help="Draw from the N likeliest; 0: from all.",
        ),
        click.option(
            "--temperature",
            type=float,
            default=Sampling.temperature,
            show_default=True,
            metavar="T",
            help="0: always the likeliest.",
        ),
        click.option(
            "--max-new",
            type=click.IntRange(min=0),
            default=REPLY_LENGTH,
            show_default=True,
            metavar="N",
            help="Length of a reply.",
        ),
    ):
        command = option(command)
    return command


def open_session(
    app: App, reference: str | None, unknown: str, *, announced: bool = False, **sampling: Any
) -> "tuple[Model, Session]":
    """The model that a reference means, and a session with it; says which model was taken when that is not plain,
    unless the caller announces it to whoever sits at the terminal."""
    from zoo.corpora.vocab import check_unknown
    from zoo.engine.load import engine_of
    from zoo.talk.session import Session

    policy = check_unknown(unknown)
    choice = Sampling(**sampling)
    model = app.registry.resolve(reference)
    if model.name != reference and not (announced and sys.stdin.isatty()):
        say(f"zoo: talking to {model.name}")
    engine, vocab = engine_of(model)
    return model, Session(engine, vocab, choice, policy)
