"""Drawing an alphabet: every character with its count, the rare ones by name."""

from collections.abc import Iterator

from zoo.cli.terminal import cells, cut, safe
from zoo.corpora.look import RARE, is_control, name_of

MOST_SHOWN = 200
MOST_RARE = 20


def drawn(alphabet: dict[str, int], width: int) -> Iterator[str]:
    """Lines of at most `width` columns: the characters by count, then those that are hardly ever seen, with names."""
    common = sorted((c for c, times in alphabet.items() if times >= RARE), key=lambda c: -alphabet[c])
    yield from _columns([f"{shape(c)} {alphabet[c]:,}" for c in common[:MOST_SHOWN]], width)
    if len(common) > MOST_SHOWN:
        yield f"and {len(common) - MOST_SHOWN:,} more (all of them: --json)"
    rare = sorted((c for c, times in alphabet.items() if times < RARE), key=lambda c: alphabet[c])
    if rare:
        yield f"seen fewer than {RARE} times: {len(rare):,}"
    for character in rare[:MOST_RARE]:
        line = f"{shape(character)} {alphabet[character]:,}  U+{ord(character):04X} {name_of(character)}"
        yield cut(line, width)
    if len(rare) > MOST_RARE:
        yield f"and {len(rare) - MOST_RARE:,} more (all of them: --json)"


def shape(character: str) -> str:
    """A character as it can be read: blanks and controls by name, marks on a circle."""
    if character == " ":
        return "space"
    if character in "\t\n":
        return name_of(character)
    if is_control(character) or safe(character) != character or not character.isprintable():
        return f"U+{ord(character):04X}"
    return character if cells(character) else f"\u25cc{character}"


def _columns(items: list[str], width: int) -> Iterator[str]:
    """Items side by side, as many as fit, down each row from left to right."""
    widest = max(map(cells, items), default=0) + 2
    count = max(1, width // widest)
    for begin in range(0, len(items), count):
        yield "".join(item + " " * (widest - cells(item)) for item in items[begin : begin + count]).rstrip()
