"""zoo presets"""

import dataclasses

import click

from zoo.cli import complete, numbers
from zoo.cli.terminal import show
from zoo.config import Preset

CHARACTERS = 65  # of tiny Shakespeare


@click.command(name="presets")
@click.argument("name", required=False, shell_complete=complete.presets)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(name: str | None, as_json: bool) -> None:
    """List the presets, or every hyperparameter of one: the keys of --set."""
    from zoo.cli.json_out import show_json
    from zoo.cli.table import Column, show_table
    from zoo.config import get_preset, presets

    chosen = list(presets().values()) if name is None else [get_preset(name)]
    if as_json:
        show_json("presets", presets=[dataclasses.asdict(preset) for preset in chosen])
        return
    if name is not None:
        rows = []
        for config in (chosen[0].model, chosen[0].train):
            for f in dataclasses.fields(config):
                if f.name != "vocab_size":
                    rows.append([f.name, numbers.value(getattr(config, f.name)), f.metadata["help"]])
        show_table(
            [Column("key"), Column("value", right=True), Column("meaning", keep=1, prose=True)],
            rows,
            title=chosen[0].summary,
        )
        return
    columns = [
        Column("preset"),
        Column("parameters", right=True, keep=4),
        Column("layers", right=True, keep=6),
        Column("width", right=True, keep=7),
        Column("context", right=True, keep=5),
        Column("steps", right=True, keep=3),
        Column("val loss", right=True, keep=1),
        Column("minutes", right=True, keep=2),
        Column("for", keep=8, prose=True),
    ]
    show_table(columns, [_row(preset) for preset in chosen])
    if any(preset.measured for preset in chosen):
        show("val loss: windows/v1, tiny Shakespeare\nminutes: on two CPU cores\nparameters: with its characters")


def _row(preset: Preset) -> list[str]:
    model, train, measured = preset.model, preset.train, preset.measured
    return [
        preset.name,
        f"{model.resolve(CHARACTERS).parameters():,}",
        str(model.n_layer),
        str(model.n_embd),
        str(model.block_size),
        f"{train.max_steps:,}",
        numbers.loss(measured.get("val_loss")),
        f"{measured['minutes']:.1f}" if "minutes" in measured else numbers.UNKNOWN,
        preset.summary,
    ]
