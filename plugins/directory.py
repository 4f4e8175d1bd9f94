"""A directory: all texts below it, in the order of their paths, whatever order the file system gives."""

import os
import unicodedata
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from zoo import BadData, Document, ReadOptions, Refused, Skipped, UsageProblem, hookimpl, read_document

GLOB = "**/*.txt"


@hookimpl(trylast=True)  # any directory at all, when no other plugin knows it
def zoo_open(source: str, options: ReadOptions) -> Iterator[Document] | None:
    root = Path(source)
    return documents(root, options) if root.is_dir() else None


def documents(root: Path, options: ReadOptions) -> Iterator[Document]:
    """The texts below `root`, one a file; files that hold no text are skipped and named."""
    pattern = (options.glob or GLOB).split("/")
    if {"", ".", ".."} & set(pattern):
        raise UsageProblem(f"--glob '{options.glob}' is no pattern below a directory; try '**/*.md'")
    found = 0
    for name in paths_below(root, pattern, options):
        try:
            yield read_document(root / name, options, name)
            found += 1
        except (BadData, Refused) as error:
            options.on_event(Skipped(name, str(error).removeprefix(f"{root / name} ")))
    if not found:
        raise BadData(f"no text under {root} matches {'/'.join(pattern)}; say which files, as in --glob '**/*.md'")


def paths_below(root: Path, pattern: list[str], options: ReadOptions) -> list[str]:
    """The paths below `root` that match, as `a/b.txt`, sorted alike on every file system; each file once."""
    names, links = walk(root, pattern)
    inside = root.resolve()
    taken = {inside / name for name in names}
    for link in sorted(links, key=order):
        target = Path(os.path.realpath(root / link))
        if reason := reason_to_skip(target, inside, taken):
            options.on_event(Skipped(link, reason))
        else:
            names.append(link)
            taken.add(target)
    return sorted(names, key=order)


def order(name: str) -> tuple[str, str]:
    """A key for which letters with accents sort alike, whether the file system decomposes them or not."""
    return unicodedata.normalize("NFC", name), name


def reason_to_skip(target: Path, inside: Path, taken: set[Path]) -> str:
    """Why a link to `target` is not followed, or nothing."""
    if inside not in (target, *target.parents):
        return "a link out of the directory"
    if target in taken:
        return "a link to a file that is there by itself"
    if target.is_dir():
        return "a link to a directory"
    return "" if target.exists() else "a link that leads nowhere"


def walk(root: Path, pattern: list[str]) -> tuple[list[str], list[str]]:
    """The files below `root` that match, and the links that do or that lead to directories in which something could."""
    names, links = [], []
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        above = waiting.pop()
        with os.scandir(root.joinpath(*above)) as entries:
            for entry in entries:
                parts = (*above, entry.name)
                if entry.is_symlink():
                    if matches(parts, pattern) or (leads_on(parts, pattern) and Path(entry.path).is_dir()):
                        links.append("/".join(parts))
                elif entry.is_dir():
                    if leads_on(parts, pattern):
                        waiting.append(parts)
                elif matches(parts, pattern):
                    names.append("/".join(parts))
    return names, links


def matches(parts: tuple[str, ...], pattern: list[str]) -> bool:
    """Whether a path matches: `*` and `?` within a name, `**` for any number of directories; as in a shell, a name that
    begins with a dot is matched by nothing but a dot."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return matches(parts, pattern[1:]) or (
            len(parts) > 1 and not parts[0].startswith(".") and matches(parts[1:], pattern)
        )
    return bool(parts) and name_matches(parts[0], pattern[0]) and matches(parts[1:], pattern[1:])


def leads_on(parts: tuple[str, ...], pattern: list[str]) -> bool:
    """Whether a path below this directory could match."""
    if not parts:
        return bool(pattern)
    if not pattern:
        return False
    if pattern[0] == "**":
        return leads_on(parts, pattern[1:]) or (not parts[0].startswith(".") and leads_on(parts[1:], pattern))
    return name_matches(parts[0], pattern[0]) and leads_on(parts[1:], pattern[1:])


def name_matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))
