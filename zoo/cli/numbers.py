"""Numbers as people read them."""

import math

from zoo.measure.compare import LOSSES
from zoo.registry.model import Model

UNKNOWN = "-"
LARGE = 1e6  # for a number with decimals
FLAG, READ = "~", "!"  # before a number of which too little is known, and one of a text that was read in training
SPEED = "tokens_per_second"


def loss(value: float | None, decimals: int = 4) -> str:
    if value is None or math.isnan(value):
        return UNKNOWN if value is None else "nan"
    return f"{value:.{decimals}f}" if abs(value) < LARGE else f"{value:.4g}"


def coverage(share: float) -> str:
    """A share as a percentage, cut off: never 100 of one that is less."""
    return f"{math.floor(1000 * share) / 10:.4g} %"


def count(value: int) -> str:
    """12345 -> '12.3 k', with three significant digits."""
    number = float(f"{value:.3g}")  # rounded before the unit is chosen: 999,999 is a million
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(value)


def size(value: int) -> str:
    """Bytes."""
    return f"{count(value)}B" if value >= 1000 else f"{value} B"


def duration(seconds: float) -> str:
    """75 -> '1:15'; hours come first when there are any."""
    if not math.isfinite(seconds):
        return UNKNOWN
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def status(model: Model) -> str:
    """What a table says of a model's state."""
    return "starter" if model.starter else model.status


def age(seconds: float | None) -> str:
    """How long ago something was, in its largest unit."""
    if seconds is None:
        return UNKNOWN
    for unit, length in (("y", 31_557_600), ("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def field(key: str, anything: object) -> str:
    """A field of a record, by its name: losses as everywhere else, a seed without commas, a speed without fractions."""
    if key in LOSSES and isinstance(anything, float):
        return loss(anything)
    if key == SPEED and isinstance(anything, float) and math.isfinite(anything):
        return f"{anything:,.0f}"
    return str(anything) if key == "seed" else value(anything)


def delta(key: str, more: float | None) -> str:
    """By how much a field of a record is more than another one's, with its sign; empty when unknown or equal."""
    if not more or not math.isfinite(more):
        return ""
    if key in LOSSES:
        return f"{more:+.4f}"
    return f"{more:+,}" if isinstance(more, int) else f"{more:+,.0f}" if key == SPEED else f"{more:+.6g}"


def value(anything: object) -> str:
    """A field of a record: whole numbers grouped, floats short, yes and no for truths."""
    match anything:
        case None:
            return UNKNOWN
        case bool():
            return "yes" if anything else "no"
        case int():
            return f"{anything:,}"
        case float():
            return f"{anything:.6g}"
        case list() | tuple():
            return ", ".join(str(item) for item in anything) or UNKNOWN
    return str(anything) or UNKNOWN
