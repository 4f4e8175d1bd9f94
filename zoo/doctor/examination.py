"""The doctor's work: to look at all of a home, and to put right what can be."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import compress

from zoo import files, locks
from zoo.doctor.contents import contents
from zoo.doctor.debris import broken_locks, debris
from zoo.doctor.finding import Finding
from zoo.doctor.index import index
from zoo.doctor.rows import Rows
from zoo.doctor.texts import texts
from zoo.errors import ZooError
from zoo.events import OnEvent, Progress, Warned, ignore
from zoo.home import Home
from zoo.registry import trash

PASSES = 5  # what is put right may bring to light what it hid: a text that is gone, and then who names it
MOMENT = 0.5  # seconds; longer than anybody else's change takes


@dataclass
class Report:
    """What was put right, and what is left."""

    mended: list[Finding] = field(default_factory=list)
    left: list[Finding] = field(default_factory=list)

    @property
    def damage(self) -> list[Finding]:
        return [finding for finding in self.left if finding.damage]


def examine(home: Home, on_event: OnEvent = ignore) -> Report:
    """Look, and write nothing. What another process is changing at this moment is no damage, so a finding counts when
    it is there twice."""
    found = _look(Rows(home), on_event)
    if any(finding.damage for finding in found):
        time.sleep(MOMENT)
        again = set(_look(Rows(home), ignore))
        found = [finding for finding in found if finding in again]
    return Report(left=found)


def repair(home: Home, on_event: OnEvent = ignore) -> Report:
    """Put right what can be, while no other process can change the registry. Nothing is deleted, only moved to the
    trash.

    Raises Conflict when another process holds the registry.
    """
    report = examine(home, on_event)
    if not any(finding.mend for finding in report.left):
        return report
    report.mended += [finding for finding in broken_locks(home) if _mend(finding, on_event)]
    files.make_directory(home.lock("registry").parent)
    busy = "another zoo process is writing the registry; try again"
    with locks.locked(home.lock("registry"), busy=busy):
        for _ in range(PASSES):
            rows = Rows(home)
            findings = _look(rows, ignore)
            mended = [_mend(finding, on_event) for finding in findings]
            with locks.undisturbed():
                rows.save()
            report.mended += compress(findings, mended)
            report.left = [finding for finding, done in zip(findings, mended, strict=True) if not done]
            if not any(mended):
                break
    return report


def _mend(finding: Finding, on_event: OnEvent) -> bool:
    if finding.mend is None:
        return False
    try:
        with locks.undisturbed():
            finding.mend()
    except ZooError as error:
        on_event(Warned(f"{finding.where} could not be mended: {error}"))
        return False
    return True


def _look(rows: Rows, on_event: OnEvent) -> list[Finding]:
    """All that is wrong, the index first, with paths as they are in the home."""
    prefix = f"{rows.home.path}{os.sep}"
    return [replace(finding, what=finding.what.replace(prefix, "")) for finding in _findings(rows, on_event)]


def _findings(rows: Rows, on_event: OnEvent) -> Iterator[Finding]:
    home = rows.home
    yield from index(rows)
    needed = None
    if not rows.problem:
        records = [*rows.records.values(), *(record for _, _, record in trash.models(home))]
        needed = {part.sha256 for record in records for part in record.corpora}
    models = list(rows.believed())
    for done, model in enumerate(models):
        on_event(Progress("looking at models", done, len(models), unit="models"))
        if not model.is_running:
            yield from contents(rows, model)
    yield from texts(home, needed, on_event)
    yield from broken_locks(home)
    yield from debris(home)
