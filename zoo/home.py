"""Where things are: a home is a directory with registry.toml, models/ and .zoo/ for all else."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from zoo import files
from zoo.errors import BadData, UsageProblem
from zoo.tables import SCHEMAS

SCHEMA = SCHEMAS["registry.toml"]  # which makes a directory a home
_SCHEMA_LINE = re.compile(rb"^(\xef\xbb\xbf)?schema\s*=", re.MULTILINE)


@dataclass(frozen=True)
class Home:
    """The paths of one home. Looking creates nothing; writers create what they need."""

    path: Path

    @property
    def registry(self) -> Path:
        return self.path / "registry.toml"

    @property
    def models(self) -> Path:
        return self.path / "models"

    @property
    def corpora(self) -> Path:
        return self.path / ".zoo" / "corpora"

    @property
    def cache(self) -> Path:
        return self.path / ".zoo" / "cache"

    @property
    def evaluations(self) -> Path:
        """What was computed of models on texts."""
        return self.path / ".zoo" / "evaluations"

    @property
    def trash(self) -> Path:
        return self.path / ".zoo" / "trash"

    @property
    def rows(self) -> Path:
        """The parsed rows of a registry.toml with many models."""
        return self.path / ".zoo" / "rows.json"

    @property
    def history(self) -> Path:
        """What was typed into chats."""
        return self.path / ".zoo" / "history"

    def create(self) -> None:
        """Make the directory a home, if it is none; every writer does this first."""
        try:
            self.check()
        except BadData as error:
            raise BadData(f"{error} (see: zoo doctor)") from None
        files.refuse_dangling(self.models)
        files.make_directory(self.lock("any").parent)
        if not self.registry.exists():
            files.write_new(self.registry, f"schema = {SCHEMA}\n".encode())

    def check(self) -> None:
        """Raise BadData for a home with models and no registry.toml: it was lost, and a new one would hide them."""
        if not self.registry.exists() and next(self.models.glob("*/model.toml"), None):
            raise BadData(f"{self.registry} is missing, though there are models")

    def lock(self, what: str) -> Path:
        """The lock file that guards `what`; it stands beside nothing that is ever replaced."""
        return self.path / ".zoo" / "locks" / f"{what}.lock"


def find_home(explicit: str | None = None) -> Home:
    """The home to use: `--home`, ZOO_HOME, the nearest parent of the working directory that is one, else the user's.

    Raises UsageProblem for a --home or ZOO_HOME that is no directory, or when there is no working directory.
    """
    asked = explicit if explicit is not None else os.environ.get("ZOO_HOME") or None
    if asked is not None:
        path = expand(asked)
        if not asked.strip() or (path.exists() and not path.is_dir()):
            raise UsageProblem(f"the home '{asked}' is not a directory")
        try:
            return Home(path.absolute())
        except FileNotFoundError:
            raise UsageProblem("the working directory is gone; go to another, or give --home in full") from None
    try:
        here = Path.cwd()
    except FileNotFoundError:
        raise UsageProblem("the working directory is gone; go to another, or name a home with --home") from None
    for directory in (here, *here.parents):
        if _is_home(directory):
            return Home(directory)
    import platformdirs

    try:
        return Home(Path(platformdirs.user_data_dir("zoo", appauthor=False)).expanduser())
    except (RuntimeError, KeyError):
        raise UsageProblem("there is no home directory of yours to keep a zoo in; name a place with --home") from None


def expand(path: str) -> Path:
    """Return the path with ~ written out. Raises UsageProblem for the ~ of an unknown user, and for a NUL."""
    if "\0" in path:
        raise UsageProblem("a path cannot contain a NUL")
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UsageProblem(f"there is no home directory for {path}") from None


def _is_home(directory: Path) -> bool:
    """Whether its registry.toml is ours. Text is looked at, not parsed: a damaged registry must be reported, not
    passed over for another home."""
    registry = directory / "registry.toml"
    try:
        if not registry.is_file():
            return (directory / ".zoo" / "locks").is_dir()  # which a writer has made: the registry was lost
        with open(registry, "rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return bool(_SCHEMA_LINE.search(head)) or (directory / ".zoo").is_dir()
