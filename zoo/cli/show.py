"""zoo show"""

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.terminal import one_line, show
from zoo.registry.snapshots import snapshots


@click.command(name="show")
@click.argument("model", shell_complete=complete.models)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_obj
def command(app: App, model: str, as_json: bool) -> None:
    """Show all that is recorded of a model."""
    found = app.registry.resolve(model)
    table = found.record.to_table()
    parent, steps = app.registry.parent_of(found.record), list(snapshots(found.directory))
    if as_json:
        from zoo.cli.json_out import show_json
        from zoo.cli.list import entry

        show_json("show", **entry(found), parent=parent and parent.name, snapshots=steps)
        return
    if parent:
        table["parent"] = f"{parent.name} ({found.record.parent})"
    if steps:
        table["snapshots"] = {"steps": ", ".join(map(str, steps))}
    show(f"{found.name}{' (starter)' if found.starter else ''}")
    for key, value in {**table, "status": found.status}.items():
        if key == "corpora":
            for part in value:
                _group("corpus", part)
        elif isinstance(value, dict):
            _group(key, value)
        else:
            _pair(key, value)


def _group(title: str, table: dict[str, object]) -> None:
    show(one_line(title))
    for key, value in table.items():
        _pair(f"  {key}", value)


def _pair(key: str, value: object) -> None:
    show(f"{one_line(key):<19} {one_line(numbers.field(key.strip(), value))}")
