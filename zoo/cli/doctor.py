"""zoo doctor"""

import sys
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.app import App
from zoo.cli.painter import painter
from zoo.cli.terminal import fill, is_terminal, one_line, show
from zoo.errors import BadData, NotFound

if TYPE_CHECKING:
    from zoo.doctor.examination import Report
    from zoo.doctor.finding import Finding


@click.command(name="doctor")
@click.option(
    "--repair", "mending", is_flag=True, help="Put right what can be. Nothing is deleted: it goes to the trash."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
@click.pass_obj
def command(app: App, mending: bool, as_json: bool) -> None:
    """Look for damage in the home: registry, models, texts."""
    from zoo.doctor.examination import examine, repair

    home = app.home
    if not any(path.exists() for path in (home.registry, home.models, home.path / ".zoo")):
        raise NotFound(f"there is no home at {home.path}; the first zoo fetch or zoo train makes one")
    with painter() as on_event:
        report = (repair if mending else examine)(home, on_event)
    if as_json:
        from zoo.cli.json_out import show_json

        findings = [_entry(f, mended=True) for f in report.mended] + [_entry(f, mended=False) for f in report.left]
        show_json("doctor", home=str(home.path), findings=findings)
    else:
        _show(report, str(home.path))
    if report.damage:
        mendable = sum(finding.mend is not None for finding in report.damage)
        way = f"zoo doctor --repair mends {mendable} of them" if mendable and not mending else "see above what to do"
        raise BadData(f"damage {'left' if mending else 'found'}: {len(report.damage)}; {way}")


def _entry(finding: "Finding", *, mended: bool) -> dict[str, Any]:
    facts = {key: getattr(finding, key) for key in ("where", "what", "cure", "damage")}
    return {**facts, "mendable": finding.mend is not None, "mended": mended}


def _show(report: "Report", home: str) -> None:
    for finding in report.mended:
        _line(f"mended: {finding.where}: {finding.what}; {finding.cure}")
    for finding in report.left:
        kind = "damage" if finding.damage else "note"
        _line(f"{kind}: {finding.where}: {finding.what}; {'with --repair: ' if finding.mend else ''}{finding.cure}")
    if not report.damage:
        _line(f"{home} is whole")


def _line(text: str) -> None:
    text = one_line(text)
    show(fill(text) if is_terminal(sys.stdout) else text)
