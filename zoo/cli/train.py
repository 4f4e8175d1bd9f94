"""zoo train"""

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.painter import painter
from zoo.cli.planning import TimeLimit, show_plan
from zoo.cli.terminal import say
from zoo.config import DEFAULT_PRESET, DEFAULT_SEED, DTYPES, KEEPS
from zoo.registry.model import Model


@click.command(name="train")
@click.option(
    "-d",
    "--dataset",
    required=True,
    shell_complete=complete.datasets,
    metavar="DATASET",
    help="The text to train on; fetched if need be.",
)
@click.option(
    "-p",
    "--preset",
    shell_complete=complete.presets,
    help=f"Shape and recipe (see: zoo presets).  [default: {DEFAULT_PRESET}; with --init, the parent's]",
)
@click.option(
    "--init",
    shell_complete=complete.models,
    metavar="MODEL[@STEP]",
    help="Begin from the weights of a model, with its shape.",
)
@click.option("-n", "--name", help="What to call the model.  [default: DATASET-PRESET]")
@click.option(
    "--set",
    "settings",
    multiple=True,
    shell_complete=complete.settings,
    metavar="KEY=VALUE",
    help="Change one hyperparameter of the preset.",
)
@click.option(
    "--keep",
    type=click.Choice(KEEPS),
    help="log: keep snapshots at steps 0, 1, 2, 4, 8, ..., too.  [default: the preset's]",
)
@click.option("--vocab", metavar="V", help="characters, bytes, or a plugin's.  [default: the dataset's]")
@click.option("--device", default="auto", show_default=True, metavar="D", help="cuda, mps, cpu, or the best there is.")
@click.option(
    "--dtype",
    type=click.Choice(("auto", *DTYPES)),
    default="auto",
    show_default=True,
    help="In what matrices are multiplied; auto: bfloat16 where it is faster, tried out.",
)
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True, metavar="N")
@click.option(
    "--max-time",
    type=TimeLimit(),
    metavar="T",
    help="Make as many steps as fit into 90s, 10m or 1h30m, start and end included; a slower machine takes longer.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print what the training would take, and write nothing but a text that must be fetched.",
)
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: print JSON instead of a table.")
@click.pass_obj
def command(
    app: App,
    dataset: str,
    preset: str | None,
    init: str | None,
    name: str | None,
    settings: tuple[str, ...],
    keep: str | None,
    vocab: str | None,
    device: str,
    dtype: str,
    seed: int,
    max_time: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Train a model. Ctrl-C saves; `zoo resume` goes on.

    \b
    zoo train --dataset shakespeare
    zoo train --dataset hhgttg --preset m2 --set max_steps=3000
    zoo train --dataset hhgttg --init shakespeare
    zoo train --dataset hhgttg --max-time 10m
    zoo train --dataset hhgttg --preset m2 --dry-run
    """
    from zoo.cli.signals import stop_on_signals
    from zoo.runs.deadline import prepare
    from zoo.runs.plan import Request
    from zoo.runs.run import start

    if as_json and not dry_run:
        raise click.UsageError("--json goes with --dry-run")
    chosen = parse_settings(settings)
    if keep is not None:
        if "keep" in chosen:
            raise click.UsageError("--keep and --set keep exclude each other")
        chosen["keep"] = keep
    if max_time is not None and "max_steps" in chosen:
        raise click.UsageError("--max-time and --set max_steps exclude each other")

    request = Request(
        dataset=dataset,
        preset=preset,
        init=init,
        name=name,
        settings=chosen,
        vocab=vocab,
        device=device,
        dtype=dtype,
        seed=seed,
    )
    with painter() as on_event:
        until = None if max_time is None else app.began + max_time
        spec, vocabulary, planned = prepare(app.home, app.plugins, request, until=until, on_event=on_event)
    if dry_run:
        show_plan(planned, as_json)
        return
    with stop_on_signals() as stop, painter() as on_event:
        on_event(planned)
        model = start(app.home, spec, vocabulary, on_event=on_event, stop=stop)
    report(model)


def parse_settings(pairs: tuple[str, ...]) -> dict[str, str]:
    """Return `--set` pairs as a table; raises UsageError for what is no pair, and for a key that is set twice."""
    settings: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise click.UsageError(f"--set takes KEY=VALUE, not '{pair}'")
        if (key := key.strip()) in settings:
            raise click.UsageError(f"--set {key} was given twice, and takes one value")
        settings[key] = value.strip()
    return settings


def report(model: Model) -> None:
    """The last lines of a training."""
    record = model.record
    loss = f"val loss {numbers.loss(record.val_loss)} nats per character ({numbers.loss(record.val_bpc)} bits)"
    say(
        f"trained {model.name} in {numbers.duration(record.seconds)}: {loss}, best at step {record.best_step:,}\n"
        f"next: zoo chat {model.name}"
    )
