"""Installed packages and their entry points. Each package is read alone, so a damaged one is left out and named."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from email.parser import HeaderParser
from importlib import metadata
from pathlib import Path
from typing import Any

from zoo import files
from zoo.errors import BadData, NotFound, ZooError
from zoo.events import OnEvent, Warned

OURS = "zoo-gpt"
INFO_LIMIT = 2**20  # bytes of one metadata file
ENTRY_POINTS, METADATA = "entry_points.txt", ("METADATA", "PKG-INFO")


class Package(metadata.Distribution):
    """An installed package, whose metadata files are read within bounds."""

    def __init__(self, found: metadata.Distribution) -> None:
        self._found = found
        self._path = getattr(found, "_path", None)  # importlib.metadata has no public name for it
        self.directory = self._path.name if isinstance(self._path, Path) else str(self._path)

    def read_text(self, filename: str) -> str | None:
        """Return the text of a metadata file, None when it is missing. Raises ZooError when it is damaged."""
        if not isinstance(self._path, Path):  # in an archive, or found by another importer
            return self._found.read_text(filename)
        try:
            return files.read_text(self._path / filename, limit=INFO_LIMIT)
        except NotFound:
            if (self._path / filename).is_symlink():
                raise BadData(f"{self._path / filename} is a broken link") from None
            return None

    def locate_file(self, path: Any) -> Any:
        return self._found.locate_file(path)

    @property
    def normalized_name(self) -> str:
        """The package's normalized name, by its directory; two installations of one package have the same."""
        return re.sub(r"[-_.]+", "-", self.directory.rpartition(".")[0].partition("-")[0]).lower()

    def has_metadata(self) -> bool:
        """Whether there is metadata; without it, this is only the remains of an installation."""
        return not isinstance(self._path, Path) or any(
            os.path.exists(self._path / name)  # noqa: PTH110  which raises for what may not be read
            for name in METADATA
        )

    def about(self) -> tuple[str, str]:
        """Return name and version. Raises ZooError when the metadata is damaged or has no name."""
        text = next(filter(None, map(self.read_text, METADATA)), "")
        headers = HeaderParser().parsestr(text)
        if not headers["Name"]:
            raise BadData(f"the metadata in {self._path} has no Name")
        return headers["Name"], headers["Version"] or ""

    def offers(self, group: str) -> list[metadata.EntryPoint]:
        """Return the entry points of a group.

        Raises ZooError when they are damaged, or when there are some and the metadata is damaged.
        """
        try:
            found = list(self.entry_points.select(group=group))
            if found:
                self.about()
            return found
        except ZooError:
            raise
        except Exception as error:  # parsers and importers raise anything for damaged files
            raise BadData(f"{ENTRY_POINTS} or METADATA in {self._path} is not valid") from error


def entry_points(group: str, *, only_ours: bool, on_event: OnEvent) -> Iterator[tuple[metadata.EntryPoint, Package]]:
    """Yield the entry points of a group with their packages; of a package that is installed twice, those of the first.

    Warn of a damaged package and leave it out. With `only_ours`, read no file of another package.
    """
    seen = set()
    for found in metadata.distributions(name=OURS) if only_ours else metadata.distributions():
        package = Package(found)
        if package.normalized_name in seen:
            continue
        try:
            offered = package.offers(group)
        except ZooError as error:
            on_event(Warned(f"package '{_name_of(package)}' is damaged and left out: {error}; reinstall or remove it"))
            continue
        if offered or package.has_metadata():
            seen.add(package.normalized_name)
        yield from ((entry, package) for entry in offered)


def _name_of(package: Package) -> str:
    try:
        return package.about()[0]
    except Exception:  # whatever is wrong with it, its directory has a name
        return package.directory


def version_of(name: str) -> str:
    """Return the version of an installed package: from its metadata, or from its loaded module when that is damaged or
    missing."""
    with contextlib.suppress(Exception):  # importlib.metadata lets through what a damaged file raises
        if version := metadata.version(name):
            return version
    return str(getattr(sys.modules.get(name), "__version__", "unknown"))
