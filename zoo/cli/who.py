"""zoo who"""

import math
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App, say_event
from zoo.cli.given import name_of, read_given
from zoo.cli.painter import painter
from zoo.cli.terminal import one_line, show, show_filled
from zoo.errors import NotFound, UsageProblem, ZooError
from zoo.events import Warned
from zoo.protocol import WINDOWS_V1
from zoo.registry.model import Model

if TYPE_CHECKING:
    from zoo.measure.attribution import Attribution
    from zoo.measure.who import Answer

TOO_SHORT, TOO_CLOSE = "too short to say", "too close to say"
MOST_CONTEXT = 200  # characters of a paragraph, of which its line shows as many as fit


@click.command(name="who")
@click.argument("file", type=click.Path(), metavar="FILE|-")
@click.argument("models", nargs=-1, metavar="[MODEL...]", shell_complete=complete.models)
@click.option("--whole", is_flag=True, help="Ask of the whole text only, and not of each paragraph.")
@click.option("--unwrap", is_flag=True, help="Join the lines of paragraphs, as zoo fetch --unwrap does.")
@click.option("--encoding", metavar="E", help="How the text is encoded, when it is told wrong (cp1252, utf-16, ...).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.pass_obj
def command(
    app: App, file: str, models: tuple[str, ...], whole: bool, unwrap: bool, encoding: str | None, as_json: bool
) -> None:
    """Tell whose text a text is most like: which model expects it best, by its own standards.

    Candidates are the best model of each text, unless some are named, or filtered as in zoo list. A model's par is
    halfway between what its own text costs it and what those of the other candidates do; the candidates are ranked by
    how far above it this text is.

    \b
    zoo who letter.txt
    zoo who letter.txt austen-nano doyle-nano --whole
    """
    from zoo.measure.who import who

    candidates = _candidates(app, models)
    text = read_given(file, encoding, unwrap=unwrap)
    with painter() as on_event:
        answer = who(app.home, candidates, text, on_event, by_paragraph=not whole)
    name = Path(name_of(file)).name
    if as_json:
        _show_json(name, text, answer)
        return
    _show_ranking(answer, name)
    if answer.paragraphs:
        show()
        _show_paragraphs(answer, text)


def _candidates(app: App, words: tuple[str, ...]) -> list[Model]:
    """The models that these words mean, or the best of each text; raises UsageProblem or NotFound unless they are of
    two texts at least."""
    from zoo.measure.compare import by_loss, has_loss
    from zoo.measure.who import text_of

    if words:
        found = app.models(words)
    else:
        ready = [model for model in app.registry.models().values() if model.status == "ready" and has_loss(model)]
        best: dict[Hashable, Model] = {}
        for model in sorted(ready, key=by_loss):
            if text_of(model) not in best and _is_whole(model):
                best[text_of(model)] = model
        found = list(best.values())
    if (count := len({text_of(model) for model in found})) < 2:
        kind = UsageProblem if words else NotFound
        raise kind(f"there must be models of two texts at least, and these are of {count} (see: zoo train)")
    return found


def _is_whole(model: Model) -> bool:
    """Whether a model's weights are what its record says; says when they are not, for nobody has named it."""
    from zoo.engine.load import parts_of

    try:
        parts_of(model)
    except ZooError as error:
        say_event(Warned(f"'{model.name}' is left out: {error}"))
        return False
    return True


def _show_ranking(answer: "Answer", name: str) -> None:
    from zoo.cli.table import Column, show_table

    columns = [
        Column("", right=True),
        Column("model"),
        Column("here", right=True, keep=1),
        Column("own", right=True, keep=3),
        Column("others", right=True, keep=2),
        Column("above par", right=True),
    ]
    whole = answer.whole
    rows = [
        [
            str(rank),
            answer.models[i].name,
            numbers.loss(whole.bits[i]),
            numbers.loss(answer.own[i]),
            numbers.loss(answer.others[i] if answer.others else None),
            f"{whole.excess[i]:+.4f}",
        ]
        for rank, i in enumerate(whole.order, 1)
    ]
    counted = f"{whole.counted:,} of {whole.characters:,} characters are known to all; bits per character, {WINDOWS_V1}"
    show_table(columns, rows, title=f"{one_line(name)}: {counted}", bold_row=-1 if whole.winner is None else 0)
    show()
    show_filled(_verdict(answer, whole))


def _verdict(answer: "Answer", found: "Attribution") -> str:
    """One line, never without its margin."""
    first, second = (answer.models[i].name for i in (found.order[0], answer.rival(found)))
    lead = f"leads {second} by {_margin(found)} bits per character"
    return f"{_doubt(found)}: {first} {lead}" if found.winner is None else f"most like {first}, which {lead}"


def _doubt(found: "Attribution") -> str:
    """Why nothing is said: a text whose error is known is long enough, and lies between two."""
    return TOO_SHORT if math.isnan(found.error) else TOO_CLOSE


def _margin(found: "Attribution") -> str:
    """With its standard error, where there is one."""
    error = "?" if math.isnan(found.error) else f"{found.error:.3f}"
    return f"{found.margin:.3f} ± {error}"


def _show_paragraphs(answer: "Answer", text: str) -> None:
    from zoo.cli.table import Column, show_table

    columns = [
        Column("at", right=True, keep=1),
        Column("characters", right=True, keep=3),
        Column("most like"),
        Column("by bits/char", right=True, keep=2),
        Column("begins", prose=True, keep=4),
    ]
    rows = []
    for (begin, end), found in zip(answer.places, answer.paragraphs, strict=True):
        if math.isnan(found.error):
            continue
        words = " ".join(text[begin : min(end, begin + MOST_CONTEXT)].split())
        sure = found.winner is not None
        like = answer.models[found.order[0]].name if sure else _doubt(found)
        rows.append([f"{begin:,}", f"{end - begin:,}", like, _margin(found) if sure else "", words])
    if rows:
        show_table(columns, rows)
    if short := len(answer.paragraphs) - len(rows):
        show(f"{short:,} paragraph{'' if short == 1 else 's'} {TOO_SHORT}")


def _show_json(name: str, text: str, answer: "Answer") -> None:
    from zoo.cli.json_out import show_json

    candidates = [
        {
            "model": model.name,
            "dataset": model.record.dataset,
            "own_bits_per_character": answer.own[i],
            "others_bits_per_character": answer.others[i] if answer.others else None,
            "weights_sha256": model.record.weights_sha256,
        }
        for i, model in enumerate(answer.models)
    ]
    paragraphs = (
        {"begin": begin, "end": end, **_entry(answer, found)}
        for (begin, end), found in zip(answer.places, answer.paragraphs, strict=True)
    )
    show_json(
        "who",
        file=name,
        protocol=WINDOWS_V1,
        candidates=candidates,
        whole={"begin": 0, "end": len(text), **_entry(answer, answer.whole)},
        paragraphs=paragraphs,
    )


def _entry(answer: "Answer", found: "Attribution") -> dict[str, object]:
    """The most like first; `winner` is null where the text is too short to say."""
    ranking = [
        {"model": answer.models[i].name, "bits_per_character": found.bits[i], "above_par": found.excess[i]}
        for i in found.order
    ]
    return {
        "characters": found.characters,
        "counted": found.counted,
        "winner": None if found.winner is None else answer.models[found.winner].name,
        "margin": found.margin,
        "standard_error": found.error,
        "ranking": ranking,
    }
