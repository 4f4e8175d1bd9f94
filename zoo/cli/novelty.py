"""zoo novelty"""

from typing import TYPE_CHECKING, Any

import click

from zoo.cli import complete
from zoo.cli.app import App
from zoo.cli.given import name_of, read_given
from zoo.cli.painter import painter
from zoo.cli.talking import repeatable_options
from zoo.cli.terminal import say
from zoo.engine.sampling import Sampler, Sampling
from zoo.measure.verbatim import MIN_SPAN
from zoo.names import single

if TYPE_CHECKING:
    from zoo.registry.model import Model

LENGTH, NUM = 500, 20
OF_A_TEXT = ("model", "file", "encoding", "min_span", "show", "as_json")  # what goes with one that is there


@click.command(name="novelty")
@click.argument("model", shell_complete=complete.models)
@click.option("--text", "file", type=click.Path(), metavar="FILE|-", help="Measure this text instead of writing some.")
@click.option(
    "--min-span",
    type=click.IntRange(min=1),
    default=MIN_SPAN,
    show_default=True,
    metavar="N",
    help="From how many characters on what is the same counts.",
)
@click.option("--show", is_flag=True, help="Print the texts, too, with what stands in the training text marked.")
@click.option("--num", type=click.IntRange(min=1), default=NUM, show_default=True, metavar="N", help="Texts to write.")
@repeatable_options(LENGTH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("--encoding", metavar="E", help="How the text is encoded, when it is told wrong (cp1252, utf-16, ...).")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str,
    file: str | None,
    min_span: int,
    show: bool,
    as_json: bool,
    encoding: str | None,
    **writing: Any,
) -> None:
    """Find out whether a model writes or recites.

    What of its texts stands, character for character, in what it was trained on?

    \b
    zoo novelty shakespeare
    zoo novelty shakespeare --show
    zoo novelty shakespeare --text letter.txt

    The same is measured of a page that it has not read, the beginning of the validation part: authors repeat
    themselves, too.
    """
    from zoo.cli import recital
    from zoo.measure.novelty import novelty, reading_of

    app: App = ctx.obj
    _check_options(ctx, file)
    found = app.registry.resolve(single(model))
    reading = reading_of(app.registry, found)
    if file is None:
        name, texts = f"written by {found.name}", _written(found, **writing)
    else:
        name, texts = name_of(file), [read_given(file, encoding)]
    with painter() as on_event:
        result = novelty(reading, texts, min_span, on_event)
    view = recital.Recital(found, name, result)
    if as_json:
        about = _about(**writing) if file is None else {"seed": None, "sampling": None}
        recital.show_json_of(view, file=None if file is None else name, **about)
        return
    if show:
        recital.show_texts(result.written)
    recital.show_figures(view)
    for line in view.remarks():
        say(line)


def _check_options(ctx: click.Context, file: str | None) -> None:
    """Raise UsageError for what is asked of a text that is not to be made."""
    asked = {
        p.name: p.opts[0]
        for p in ctx.command.params
        if p.name and ctx.get_parameter_source(p.name) is click.core.ParameterSource.COMMANDLINE
    }
    wrong = [option for name, option in asked.items() if name not in OF_A_TEXT]
    if file is not None and wrong:
        raise click.UsageError(f"{wrong[0]} is for writing; --text measures what is written already")
    if file is None and "encoding" in asked:
        raise click.UsageError("--encoding goes with --text")


def _about(*, seed: int, num: int, max_new: int, device: str, **sampling: Any) -> dict[str, object]:
    return {"seed": seed, "sampling": Sampling(**sampling).to_dict()}


def _written(model: "Model", *, seed: int, num: int, max_new: int, device: str, **sampling: Any) -> list[str]:
    """Texts by a model, as `zoo generate` writes them with the same seed and no prompt."""
    from zoo.engine.load import engine_of
    from zoo.measure.novelty import write
    from zoo.talk.voice import Voice

    options = Sampling(**sampling)
    voice = Voice(model.name, *engine_of(model, device), [model])
    say(f"zoo: {model.name} writes {num:,} x {max_new:,}, seed {seed}, temperature {options.temperature:g}")
    with painter() as on_event:
        return write(lambda i: voice.begin("", Sampler(options, seed + i)), num, max_new, on_event)
