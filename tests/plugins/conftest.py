"""What the tests of plugins share: a stranger's distribution, installed as pip would lay it out."""

import itertools
from pathlib import Path

import pytest

NUMBERS = itertools.count()
IMPORTS = "from zoo import Characters, Bytes, Dataset, Document, Vocab, hookimpl\n"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a distribution with one plugin; gives the directory that is on sys.path."""

    def write(source: str | None, *, name: str = "stranger", entry_points: str = "{name} = {module}") -> Path:
        module = f"strangers_module_{next(NUMBERS)}"
        site = tmp_path / f"site-{module}"
        info = site / f"zoo_{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: zoo-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zoo]\n{entry_points.format(name=name, module=module)}\n")
        if source is not None:
            (site / f"{module}.py").write_text(IMPORTS + source, encoding="utf-8")
        monkeypatch.syspath_prepend(site)
        return site

    return write
