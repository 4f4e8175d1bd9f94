"""What chat and generate share: the options of sampling, and the way from a name to a session."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from zoo.cli.app import App
from zoo.cli.terminal import say
from zoo.registry.registry import Model

F = TypeVar("F", bound=Callable[..., Any])


def sampling_options(command: F) -> F:
    """The options that say how text is drawn."""
    for option in (
        click.option("--seed", type=int, metavar="N", help="The same seed gives the same text."),
        click.option("--top-k", type=int, default=0, metavar="N", help="Draw from the N likeliest only; 0: from all."),
        click.option(
            "--temperature", type=float, default=0.8, show_default=True, metavar="T", help="0: always the likeliest."
        ),
        click.option(
            "--max-new",
            type=click.IntRange(min=0),
            default=500,
            show_default=True,
            metavar="N",
            help="Length of a reply.",
        ),
    ):
        command = option(command)
    return command


def open_session(app: App, reference: str | None, unknown: str, **sampling: Any) -> tuple[Model, Any]:
    """The model that a reference means, and a session with it; says which model was taken when that is not plain."""
    from zoo.corpora.vocab import check_unknown
    from zoo.engine.load import load_engine
    from zoo.engine.sampling import Sampling
    from zoo.errors import BadData
    from zoo.talk.session import Session

    policy = check_unknown(unknown)
    choice = Sampling(**sampling)
    model = app.registry.resolve(reference)
    if model.name != reference:
        say(f"zoo: talking to {model.name}")
    record = model.record
    if record.weights_sha256 is None:
        raise BadData(f"'{model.name}' has no weights yet: its training is {model.status} (see: zoo resume)")
    engine, vocab = load_engine(model.directory, record.model, record.vocab.sha256, record.weights_sha256)
    return model, Session(engine, vocab, choice, policy)
