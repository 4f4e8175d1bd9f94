"""zoo doctor"""

from typing import Any

import click

from zoo.cli.app import App
from zoo.cli.painter import painter
from zoo.cli.terminal import fill, is_terminal, one_line, show
from zoo.errors import BadData


@click.command(name="doctor")
@click.option(
    "--repair", "mending", is_flag=True, help="Put right what can be; nothing is deleted, only moved to the trash."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
@click.pass_obj
def command(app: App, mending: bool, as_json: bool) -> None:
    """Look for damage in the home: registry, models, texts."""
    import sys

    from zoo.doctor.examination import examine, repair
    from zoo.doctor.finding import Finding

    with painter() as on_event:
        report = (repair if mending else examine)(app.home, on_event)
    if as_json:
        from zoo.cli.json_out import show_json

        def entry(finding: Finding, mended: bool) -> dict[str, Any]:
            facts = {key: getattr(finding, key) for key in ("where", "what", "cure", "damage")}
            return {**facts, "mendable": finding.mend is not None, "mended": mended}

        entries = [entry(finding, True) for finding in report.mended] + [entry(f, False) for f in report.left]
        show_json("doctor", home=str(app.home.path), findings=entries)
    else:

        def line(text: str) -> None:
            show(fill(one_line(text)) if is_terminal(sys.stdout) else one_line(text))

        for finding in report.mended:
            line(f"mended: {finding.where}: {finding.what}; {finding.cure}")
        for finding in report.left:
            kind = "damage" if finding.damage else "note"
            how = f"--repair {finding.cure}" if finding.mend else finding.cure
            line(f"{kind}: {finding.where}: {finding.what}; {how}")
        if not report.damage:
            line(f"{app.home.path} is whole")
    if report.damage:
        mendable = sum(finding.mend is not None for finding in report.damage)
        way = f"; {mendable} can be mended with: zoo doctor --repair" if mendable and not mending else ""
        raise BadData(f"{len(report.damage)} things are damaged{way}")
