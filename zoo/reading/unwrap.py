"""Soft line ends: the lines of a paragraph that were broken to fit a page become one."""

import math
from itertools import pairwise

NARROWEST = 55  # characters: a text whose lines are all shorter was not broken to fit a page, as verse is not
SHARE = 0.9  # of the lines that have text are not longer than the page is taken to be wide
RAGGED = 0.85  # of that width, which not every typesetter fills


def unwrap(text: str) -> tuple[str, int]:
    """The text without its soft line ends, and how many there were.

    A line end is soft where the first word of the next line would hardly have fitted on the page. So the last line
    of a paragraph, a heading, a line of verse and whatever comes before an indented or blank line keep their ends.
    """
    lines = text.split("\n")
    width = _width_of_page(lines)
    if width < NARROWEST:
        return text, 0
    groups = [[lines[0]]]
    for line, following in pairwise(lines):
        if _is_soft(line, following, width):
            groups[-1][-1] = _with_space(groups[-1][-1].rstrip())
            groups[-1].append(following)
        else:
            groups.append([following])
    return "\n".join("".join(group) for group in groups), len(lines) - len(groups)


def _with_space(line: str) -> str:
    """A line as it stands before the next: a hyphen or dash that touches the word before it touches the next too."""
    return line if line.endswith(("-", "—")) and not line.endswith((" -", " —")) else f"{line} "


def _width_of_page(lines: list[str]) -> int:
    lengths = sorted(len(line.rstrip()) for line in lines if line.strip())
    return lengths[math.ceil(SHARE * (len(lengths) - 1))] if lengths else 0


def _is_soft(line: str, following: str, width: int) -> bool:
    if not line.strip() or not following.strip() or following[0] in " \t":
        return False
    return len(line.rstrip()) + 1 + len(following.split(maxsplit=1)[0]) > RAGGED * width
