"""Soft line ends: the lines of a paragraph that were broken to fit a page become one."""

import re

SHORTEST_WRAPPED = 40  # characters: a paragraph of shorter lines was not broken to fit a page: verse, a list
_PARAGRAPHS = re.compile(r"\n[ \t]*\n+")


def unwrap(text: str) -> tuple[str, int]:
    """The text with the lines of each paragraph joined, and how many line ends that took.

    A blank line ends a paragraph. Lines that are indented, and paragraphs of short lines, stay as they are.
    """
    joined, taken = [], 0
    for paragraph in _PARAGRAPHS.split(text):
        lines = _joined(paragraph.split("\n"))
        taken += paragraph.count("\n") + 1 - len(lines)
        joined.append("\n".join(lines))
    return "\n\n".join(joined), taken


def _joined(lines: list[str]) -> list[str]:
    if max(map(len, lines[:-1]), default=0) < SHORTEST_WRAPPED:
        return lines
    groups: list[list[str]] = []
    for line in lines:
        if not groups or not line or line[0] in " \t":
            groups.append([line.rstrip()])
        else:
            groups[-1].append(line.strip())
    return [" ".join(group) for group in groups]
