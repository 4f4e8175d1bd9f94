"""A directory: all texts below it, in the order of their paths, whatever order the file system gives."""

from collections.abc import Iterator
from pathlib import Path

from zoo import BadData, Document, ReadOptions, UsageProblem, Warned, hookimpl, is_text, read_document

GLOB = "**/*.txt"


@hookimpl(trylast=True)  # any directory at all, when no other plugin knows it
def zoo_open(source: str, options: ReadOptions) -> Iterator[Document] | None:
    root = Path(source)
    return documents(root, options) if root.is_dir() else None


def documents(root: Path, options: ReadOptions) -> Iterator[Document]:
    """The texts below `root`; files that are binary, and links that lead out of it, are skipped and named."""
    pattern = options.glob or GLOB
    inside = root.resolve()
    found = 0
    try:
        paths = sorted(root.glob(pattern), key=lambda path: path.relative_to(root).as_posix())
    except (NotImplementedError, ValueError, IndexError) as error:  # the last for `.`
        raise UsageProblem(f"--glob '{pattern}' is no pattern below a directory: {error}") from None
    for path in paths:
        name = path.relative_to(root).as_posix()
        if not path.is_file():
            continue
        if inside not in path.resolve().parents:
            options.on_event(Warned(f"skipped {name}: a link out of the directory"))
            continue
        if not is_text(path):
            options.on_event(Warned(f"skipped {name}: it looks binary"))
            continue
        found += 1
        yield read_document(path, options, name)
    if not found:
        raise BadData(f"no text under {root} matches {pattern}; say which files, as in --glob '**/*.md'")
