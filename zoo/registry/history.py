"""The history of a model: what its log says of its losses, whatever became of the file."""

import json
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from zoo import files
from zoo.errors import ZooError
from zoo.registry.model import Model

LOG = "log.jsonl"
CAPACITY = 512  # points: two for every column of a wide terminal, and no more for a million steps
MOST, GLANCE = 2**22, 2**16  # bytes that are read of a log: about fifty thousand lines, and eight hundred
BLOCK = 2**12  # bytes that are read at a place of a log of which only a sample is: about fifty lines
LONGEST_LINE = 2**10  # bytes; what is longer is none of ours
LAST_STEP, BEYOND = 2**31, 1e9  # no step is greater, and no loss as great

Point = tuple[float, float]  # a step, or the mean of a stretch of them, and a loss


class Thinned:
    """A history of losses in bounded memory: means of equal stretches of steps, that double when there are too many."""

    def __init__(self) -> None:
        self._stretch = 1
        self._bins: list[
            tuple[int, int, float, float]
        ] = []  # number of the stretch, count, sum of steps, sum of losses

    def add(self, step: int, loss: float) -> None:
        if not math.isfinite(loss):
            return
        self._put((step // self._stretch, 1, float(step), loss))
        while len(self._bins) > CAPACITY:
            self._stretch *= 2
            bins, self._bins = self._bins, []
            for number, count, steps, losses in bins:
                self._put((number // 2, count, steps, losses))

    def _put(self, new: tuple[int, int, float, float]) -> None:
        if self._bins and self._bins[-1][0] == new[0]:
            number, count, steps, losses = self._bins.pop()
            new = (number, count + new[1], steps + new[2], losses + new[3])
        self._bins.append(new)

    def points(self) -> list[Point]:
        return [(steps / count, losses / count) for _, count, steps, losses in self._bins]


@dataclass(frozen=True)
class History:
    """Losses in nats, by rising steps, at most CAPACITY of each: those of training per id and those of validation per
    character. Where a log has more, a point is the mean of neighbours. What is not finite is left out."""

    train: list[Point] = field(default_factory=list)
    val: list[Point] = field(default_factory=list)


def history(model: Model) -> History:
    """The losses in a model's log; of `NAME@STEP` those up to that step.

    Lines that are damaged, or stand where an earlier step should not, are passed over; a log that is missing or cannot
    be read has none. Of a log beyond MOST bytes it is those of a sample.
    """
    train, val = Thinned(), Thinned()
    ends = [-1, -1]
    for line in _lines(model, MOST, b'"step"'):
        step, *losses = _said(line, model)
        for at, (loss, points) in enumerate(zip(losses, (train, val), strict=True)):
            if loss is not None and step > ends[at]:
                ends[at] = step
                points.add(step, loss)
    return History(train.points(), val.points())


def glance(model: Model) -> list[Point]:
    """The losses of validation as `history` has them, in a millisecond: of a log beyond GLANCE bytes those of a
    sample."""
    points, end = [], -1
    for line in _lines(model, GLANCE, b'"val_loss"'):
        step, _, loss = _said(line, model)
        if loss is not None and step > end:
            end = step
            points.append((float(step), loss))
    return points


def _said(line: bytes, model: Model) -> tuple[int, float | None, float | None]:
    """The step of a line and its losses, of training and of validation; none of a line that is damaged or not of this
    model."""
    try:
        told = json.loads(line)
        step, train, val = told["step"], told.get("train_loss"), told.get("val_loss")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return -1, None, None
    last = model.record.steps if model.snapshot else LAST_STEP
    if type(step) is not int or not 0 <= step <= last:
        return -1, None, None
    return step, _loss(train), _loss(val)


def _loss(value: object) -> float | None:
    """A value as a loss, if it can be one; nan cannot."""
    return float(value) if type(value) in (int, float) and 0 <= value < BEYOND else None  # type: ignore[operator,arg-type]


def _lines(model: Model, most: int, word: bytes) -> Iterator[bytes]:
    """The lines of a log that hold a word, if it can be read; of one beyond so many bytes those of blocks, the first
    and the last among them, that lie evenly spread."""
    with suppress(ZooError, OSError), files.opened(model.directory / LOG) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= most:
            yield from _holding(word, file.read(most).split(b"\n"))
            return
        blocks = most // BLOCK
        for number in range(blocks):
            at = (size - BLOCK) * number // (blocks - 1)
            file.seek(at)
            lines = file.read(BLOCK).split(b"\n")  # of which the first and the last may be cut
            yield from _holding(word, lines[at > 0 : len(lines) - (number < blocks - 1)])


def _holding(word: bytes, lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if word in line and len(line) <= LONGEST_LINE]
