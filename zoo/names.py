"""What things may be called, for every door alike."""

import re
from collections.abc import Container

from zoo.errors import UsageProblem

LONGEST = 64
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


def free_name(wanted: str, taken: Container[str]) -> str:
    """The wanted name, or the first of wanted-2, wanted-3, ... that is not taken."""
    if wanted not in taken:
        return wanted
    number = 2
    while (name := f"{wanted[: LONGEST - len(f'-{number}')]}-{number}") in taken:
        number += 1
    return name
