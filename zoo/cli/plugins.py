"""zoo plugins"""

import click

from zoo.cli.app import App


@click.command(name="plugins")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_obj
def command(app: App, as_json: bool) -> None:
    """List the plugins: where they come from, what they offer, and what went wrong."""
    from dataclasses import asdict

    from zoo.cli.json_out import show_json
    from zoo.cli.table import Column, show_table

    plugins = app.plugins.loaded
    _ = app.plugins.datasets  # asks each plugin what it offers
    if as_json:
        show_json("plugins", plugins=[asdict(plugin) for plugin in plugins])
        return
    columns = [
        Column("name"),
        Column("source", keep=3),
        Column("version", keep=4),
        Column("hooks", keep=2, prose=True),
        Column("datasets", keep=1),
        Column("load", right=True, keep=5),
        Column("error"),
    ]
    rows = [
        [
            plugin.name,
            plugin.source,
            plugin.version,
            ", ".join(plugin.hooks),
            ", ".join(plugin.datasets),
            f"{1000 * plugin.load_seconds:.0f} ms",
            plugin.error,
        ]
        for plugin in plugins
    ]
    show_table(columns, rows)
