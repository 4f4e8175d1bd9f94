"""What the tests of the web share: a server with one text, and a place for what comes from it."""

import pytest
from web.server import TEXT, File, serving

from zoo.web import download as downloading


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(downloading, "BACKOFF_SECONDS", 0.001)
    with serving() as server:
        server.pages["/text.txt"] = File(TEXT)
        yield server


@pytest.fixture
def path(tmp_path):
    """Where the download of this test goes."""
    return tmp_path / "cache" / "file"
