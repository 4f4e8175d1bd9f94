"""zoo generate"""

import dataclasses
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo import files
from zoo.cli import complete
from zoo.cli.app import App
from zoo.cli.replies import clean
from zoo.cli.talking import MOST_INPUT, crop, open_voice, read_input, sampling_options
from zoo.engine.sampling import Sampler, Sampling
from zoo.errors import UsageProblem
from zoo.talk import TOGETHER

if TYPE_CHECKING:
    from zoo.talk.text import Text

BETWEEN = "---"  # a line of its own between two texts


@click.command(name="generate")
@click.argument("model", required=False, shell_complete=complete.models)
@click.argument("prompt", required=False)
@click.option("--file", "-f", type=click.Path(path_type=Path), metavar="FILE", help="Read the prompt from a file.")
@click.option(
    "--num",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Write so many texts, side by side.",
)
@sampling_options
@click.option("--echo", is_flag=True, help="Print the prompt, too.")
@click.option(
    "--unknown",
    default="error",
    show_default=True,
    metavar="POLICY",
    help="error, skip or replace characters the model lacks.",
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, with the log-probability of every token.")
@click.pass_obj
def command(
    app: App,
    /,
    model: str | None,
    prompt: str | None,
    file: Path | None,
    num: int,
    echo: bool,
    unknown: str,
    as_json: bool,
    max_new: int,
    seed: int | None,
    stop: tuple[str, ...],
    device: str,
    **sampling: Any,
) -> None:
    """Continue a prompt, for scripts. PROMPT - or none with a pipe reads standard input.

    \b
    zoo generate shakespeare "ROMEO:" --max-new 200 --seed 7
    zoo generate shakespeare "ROMEO:" --num 32 --json

    The first of several texts is what --seed N gives, the second what N + 1 gives, and so on.
    """
    from zoo.corpora.vocab import check_unknown
    from zoo.talk.voice import any_seed, write_together

    policy, options = check_unknown(unknown), Sampling(**sampling)
    voice = open_voice(app, model, device)
    text = crop(_prompt(prompt, file))
    seed = any_seed() if seed is None else seed

    def begin(i: int) -> "Text":
        return voice.begin(text, Sampler(options, seed + i), stop=stop, unknown=policy, log_probabilities=as_json)

    groups = (range(at, min(at + TOGETHER, num)) for at in range(0, num, TOGETHER))
    written = (entry for group in groups for entry in write_together([begin(i) for i in group], max_new))
    echoed = clean(text) if echo else ""
    if as_json:
        from zoo.cli.json_out import show_json

        about = {"model": voice.name, "prompt": text, "seed": seed, "sampling": options.to_dict()}
        # all of them first: what fails prints no half of an object
        texts = [dataclasses.asdict(entry) for entry in written]
        show_json("generate", **about, unit="nats", texts=iter(texts))
    elif num == 1:
        _stream(echoed, (clean(piece.text) for piece in begin(0).write(max_new)))
    else:
        _show(f"{echoed}{clean(entry.text)}" for entry in written)


def _show(texts: Iterable[str]) -> None:
    """Texts as they are written, each set apart from the last."""
    for i, text in enumerate(texts):
        sys.stdout.write(f"{BETWEEN}\n" if i else "")
        sys.stdout.write(f"{text}\n")


def _prompt(prompt: str | None, file: Path | None) -> str:
    """The prompt, wherever it is."""
    if file is not None:
        if prompt is not None:
            raise UsageProblem("a prompt is given as PROMPT or as --file, not both")
        return files.read_text(file, limit=4 * MOST_INPUT)
    if prompt == "-" or (prompt is None and not sys.stdin.isatty()):
        return read_input()
    return prompt or ""


def _stream(echoed: str, pieces: Iterator[str]) -> None:
    sys.stdout.write(echoed)
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
