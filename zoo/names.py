"""What things may be called, for every door alike."""

import re
import string
from collections.abc import Container

from zoo.errors import UsageProblem

LONGEST = 64
AT, PLUS = "@", "+"  # which no name holds
ROUNDED = 1e-4  # by which weights that were written with a few digits may miss their sum
_OF_REFERENCES = set(f"{string.ascii_lowercase}{string.digits}._-:{AT}{PLUS}")
_RULE = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{LONGEST - 1}}}")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def check_name(name: str, what: str = "name") -> str:
    """The name itself, if a model, dataset or corpus may be called so; raises UsageProblem otherwise."""
    if not _RULE.fullmatch(name):
        raise UsageProblem(
            f"{what} '{name}' is not allowed: use lower-case letters, digits, '.', '_' and '-', "
            f"starting with a letter or digit, at most {LONGEST}"
        )
    if name.endswith(".") or name.split(".", maxsplit=1)[0] in _DEVICES:
        raise UsageProblem(f"{what} '{name}' is not allowed: some systems cannot store a file of that name")
    return name


def is_name(name: str) -> bool:
    """Whether a model, dataset or corpus may be called so."""
    try:
        check_name(name)
    except UsageProblem:
        return False
    return True


def split_step(reference: str) -> tuple[str, int | None]:
    """The two halves of `NAME[@STEP]`; raises UsageProblem for a step that is no number."""
    name, at, step = reference.partition(AT)
    if not at:
        return name, None
    if not (step.isascii() and step.isdecimal() and len(step) <= 10):
        raise UsageProblem(f"'{reference}' names no step: what follows the {AT} is a number, as in {name}{AT}64")
    return name, int(step)


def may_be_reference(text: str) -> bool:
    """Whether a text is made of what names, steps and blends are made of."""
    return set(text) <= _OF_REFERENCES


def single(reference: str) -> str:
    """The reference itself, for who looks at one model; raises UsageProblem when it is a blend."""
    if PLUS in reference:
        raise UsageProblem(f"'{reference}' is a blend, which is not measured; name one of its members")
    return reference


def split_blend(reference: str) -> list[tuple[str, float]]:
    """The members of `A+B:0.3` with their weights, which sum to 1: those without one share equally what the others
    leave. Raises UsageProblem for weights that do not."""
    pairs = [part.partition(":") for part in reference.split(PLUS)]
    if len(pairs) > 1 and not all(name for name, _, _ in pairs):
        raise UsageProblem(f"'{reference}' lacks a member: a blend is written A+B or A+B:0.3")
    given = {i: _weight(text, reference) for i, (_, colon, text) in enumerate(pairs) if colon}
    total, silent = sum(given.values()), len(pairs) - len(given)
    if (silent and total >= 1) or (not silent and abs(total - 1) > ROUNDED):
        why = f"the weights of '{reference}' do not sum to 1"
        raise UsageProblem(f"{why}; leave one out, and it is what the others leave")
    if not silent:
        return [(name, given[i] / total) for i, (name, _, _) in enumerate(pairs)]
    return [(name, given.get(i, (1 - total) / silent)) for i, (name, _, _) in enumerate(pairs)]


def _weight(text: str, reference: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 < weight <= 1:  # which nan is not, either
        raise UsageProblem(f"'{text}' in '{reference}' is no weight: a weight is a number above 0 and at most 1")
    return weight


def with_step(name: str, step: int | None) -> str:
    """`NAME[@STEP]` from its halves."""
    return name if step is None else f"{name}{AT}{step}"


def whole(reference: str) -> str:
    """The reference itself, for who changes or trains a model; raises UsageProblem when it names a step of one."""
    if AT in reference:
        name = reference.partition(AT)[0]
        raise UsageProblem(f"'{reference}' is a step of a model, which cannot be changed by itself; say '{name}'")
    return reference


def free_name(wanted: str, taken: Container[str]) -> str:
    """The wanted name, or the first of wanted-2, wanted-3, ... that is not taken."""
    if wanted not in taken:
        return wanted
    number = 2
    while (name := f"{wanted[: LONGEST - len(f'-{number}')]}-{number}") in taken:
        number += 1
    return name
