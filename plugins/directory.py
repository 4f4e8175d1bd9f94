"""A directory: all texts below it, in the order of their paths, whatever order the file system gives."""

import os
import unicodedata
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from zoo import BadData, Document, ReadOptions, Refused, Skipped, StorageProblem, UsageProblem, hookimpl, read_document

GLOB = "**/*.txt"


@hookimpl(trylast=True)  # any directory at all, when no other plugin knows it
def zoo_open(source: str, options: ReadOptions) -> Iterator[Document] | None:
    root = Path(source)
    return documents(root, options) if root.is_dir() else None


def documents(root: Path, options: ReadOptions) -> Iterator[Document]:
    """The texts below `root`, one a file; files that hold no text are skipped and named."""
    pattern = (GLOB if options.glob is None else options.glob).split("/")
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
    waiting: list[tuple[tuple[str, ...], set[int]]] = [((), follow({0}, pattern))]
    while waiting:
        above, places = waiting.pop()
        for entry in entries_of(root.joinpath(*above)):
            parts = (*above, entry.name)
            reached = step(places, entry.name, pattern)
            is_match, leads_on = len(pattern) in reached, min(reached, default=len(pattern)) < len(pattern)
            if entry.is_symlink():
                if is_match or (leads_on and Path(entry.path).is_dir()):
                    links.append("/".join(parts))
            elif entry.is_dir():
                if leads_on:
                    waiting.append((parts, reached))
            elif is_match:
                names.append("/".join(parts))
    return names, links


def entries_of(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError as error:
        raise StorageProblem(f"cannot read {directory}: {(error.strerror or str(error)).lower()}") from error


def step(places: set[int], name: str, pattern: list[str]) -> set[int]:
    """Where one may stand in a pattern after one more part of a path: `*` and `?` match within a name, `**` any number
    of directories; as in a shell, nothing but a dot matches a name that begins with one."""
    reached = set()
    for place in places - {len(pattern)}:
        if pattern[place] == "**":
            if not name.startswith("."):
                reached.add(place)
        elif fnmatchcase(name, pattern[place]) and (pattern[place].startswith(".") or not name.startswith(".")):
            reached.add(place + 1)
    return follow(reached, pattern)


def follow(places: set[int], pattern: list[str]) -> set[int]:
    """These places, and those behind a `**`, which may stand for no directory at all."""
    found = set(places)
    for place in sorted(places):
        ahead = place
        while ahead < len(pattern) and pattern[ahead] == "**":
            ahead += 1
            found.add(ahead)
    return found
