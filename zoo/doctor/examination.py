"""The doctor's work: to look at all of a home, place by place, and to put right what can be."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import compress

from zoo import files, locks
from zoo.doctor.debris import Rest, broken_locks
from zoo.doctor.finding import UNREADABLE, Finding, Place
from zoo.doctor.index import Index
from zoo.doctor.models import ModelFiles
from zoo.doctor.rows import Rows
from zoo.doctor.texts import Texts, folders
from zoo.errors import Changed, ZooError
from zoo.events import OnEvent, Progress, Warned, ignore
from zoo.home import Home
from zoo.registry import trash

PASSES = 5  # what is put right may bring to light what it hid: a text that is gone, and then who names it
MOMENT = 0.5  # seconds; longer than what is half done at a sight mostly is


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
    return Report(left=[finding for _, found in _examined(home, on_event) for finding in found])


def repair(home: Home, on_event: OnEvent = ignore) -> Report:
    """Put right what can be: place by place, each looked at again while nobody else can change it. Nothing is deleted,
    only moved to the trash.

    Raises Conflict when another process holds the registry.
    """
    examined = _examined(home, on_event)
    report = Report()
    wanting = {place.where for place, found in examined if any(finding.mend for finding in found)}
    if wanting:
        report.mended += [finding for finding in broken_locks(home) if _mend(finding, on_event)]
        files.make_directory(home.lock("registry").parent)
    for place, found in examined:
        if place.where not in wanting:
            report.left += found
    index = Index(home)
    if index.where in wanting:
        _put_right(index, report, on_event)
    seen = {place.where for place, _ in examined}
    for place in _places(Rows(home, index.rows.known)):
        is_new = place.where not in seen and not place.is_busy  # its row or card could not be read before
        if place.where in wanting - {index.where} or is_new:
            try:
                _put_right(place, report, on_event)
            except ZooError as error:
                on_event(Warned(f"{place.where} is left as it is: {error}"))
                report.left += _look(place)
    return report


def _put_right(place: Place, report: Report, on_event: OnEvent) -> None:
    """Mend what is found in a place until nothing more is; raises Conflict when it cannot be had alone."""
    with place.alone():
        for _ in range(PASSES):
            findings = _look(place)
            mended = [_mend(finding, on_event) for finding in findings]
            try:
                with locks.undisturbed():
                    place.save()
            except Changed:  # by a program that takes no lock: look again
                continue
            except (ZooError, OSError) as error:
                on_event(Warned(f"{place.where} could not be written: {error}"))
                report.left += findings
                return
            report.mended += compress(findings, mended)
            if not any(mended):
                break
    report.left += findings


def _mend(finding: Finding, on_event: OnEvent) -> bool:
    if finding.mend is None:
        return False
    try:
        with locks.undisturbed():
            finding.mend()
    except (ZooError, OSError) as error:
        on_event(Warned(f"{finding.where} could not be mended: {error}"))
        return False
    return True


def _examined(home: Home, on_event: OnEvent) -> list[tuple[Place, list[Finding]]]:
    """Every place that nobody is at work in, with what is wrong there. What may be damage is looked at twice."""
    index = Index(home)
    found: list[tuple[Place, list[Finding]]] = [(index, _look(index))]
    places = list(_places(index.rows))
    for done, place in enumerate(places):
        on_event(Progress("looking", done, len(places), unit="places"))
        if not place.is_busy:
            found.append((place, _look(place)))
    if any(finding.damage for _, findings in found for finding in findings):
        time.sleep(MOMENT)
        found = [(place, _again(place, findings)) for place, findings in found]
    return found


def _again(place: Place, findings: list[Finding]) -> list[Finding]:
    """Those findings that are still there."""
    if not any(finding.damage for finding in findings):
        return findings
    again = set() if place.is_busy else set(_look(place))
    return [finding for finding in findings if finding in again]


def _places(rows: Rows) -> Iterator[Place]:
    """All of a home but its index."""
    home = rows.home
    models = list(rows.believed())
    texts = folders(home.corpora)
    needed = _needed(rows)
    yield from (ModelFiles(home, model) for model in models)
    yield from (Texts(home, root.name, needed) for root in texts)
    yield Rest(home, {*rows.directories, *texts, *(home.cache / root.name for root in texts)})


def _needed(rows: Rows) -> set[tuple[str, str]] | None:
    """The texts that models name, by their sha256 and that of their validation part, whether in a row, a card or the
    trash; None as soon as one of these cannot be read."""
    cards = [card.record for card in rows.cards.values() if card.record is not None]
    if rows.problem or len(rows.records) < len(rows.tables) or len(cards) < len(rows.cards):
        return None
    with suppress(ZooError):
        trashed = [record for card in trash.cards(rows.home) for record in card.values()]
        known = (*rows.records.values(), *cards, *trashed)
        return {(part.sha256, part.val_sha256) for record in known for part in record.corpora}
    return None


def _look(place: Place) -> list[Finding]:
    """All that is wrong in a place, with paths as they are in the home."""
    prefix = f"{place.home.path}{os.sep}"
    try:
        found = list(place.look())
    except (ZooError, OSError, RecursionError) as error:
        found = [Finding(place.where, str(error), UNREADABLE)]
    return [replace(finding, what=_short(finding.what.replace(prefix, ""), finding.where)) for finding in found]


def _short(what: str, where: str) -> str:
    """What is wrong, without the path that stands before it."""
    return what.removeprefix(f"{where}/") if what.startswith(f"{where}/") else what.replace(f"{where} ", "it ", 1)
