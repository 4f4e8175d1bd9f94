"""What the tests of reading share: bytes that are fetched as a file, and bytes that are refused."""

import pytest

from zoo.corpora.corpus import Corpus, open_corpus


@pytest.fixture
def fetched(zoo, home, tmp_path):
    """Fetch bytes as a file; gives the stored corpus."""

    def fetch(data: bytes, *options: str, file: str = "mine.txt", name: str = "mine") -> Corpus:
        path = tmp_path / file
        path.write_bytes(data)
        outcome = zoo("fetch", name, "--from", str(path), *options)
        assert outcome.code == 0, outcome.err
        return open_corpus(home, name)

    return fetch


@pytest.fixture
def refused(zoo, home, tmp_path):
    """Fetch bytes that are refused; gives what was said."""

    def fetch(data: bytes, *options: str, file: str = "mine.txt", code: int = 4) -> str:
        path = tmp_path / file
        path.write_bytes(data)
        outcome = zoo("fetch", "mine", "--from", str(path), *options)
        assert outcome.code == code, outcome
        assert outcome.err.count("zoo: error:") == 1
        assert "Traceback" not in outcome.err
        assert not list(home.corpora.rglob("*"))
        return outcome.err

    return fetch
