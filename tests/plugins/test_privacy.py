"""Which texts are private: all that may have been read from what is the reader's, whoever opens it."""

from pathlib import Path

import pytest
from tiny import tiny_settings, write_tiny_text

from zoo.corpora.corpus import Corpus, open_corpus

CSV = """
from pathlib import Path

@hookimpl
def zoo_open(source, options):
    if not source.startswith("csv:"):
        return None
    path = Path(source.removeprefix("csv:").partition("#")[0]).expanduser()
    return iter([Document("column", path.read_text())])
"""
OFFERS = """
@hookimpl
def zoo_datasets():
    return [Dataset(name="diary", source={source!r}, public={public}, private={private})]

@hookimpl
def zoo_open(source, options):
    return iter([Document("one", "An ode, and another.\\n")]) if source == "odes:all" else None
"""
SPAN = 30  # characters


@pytest.fixture
def fetched(zoo, home):
    """Fetch under the name `diary`; gives the stored corpus."""

    def fetch(*options: str) -> Corpus:
        outcome = zoo("fetch", "diary", *options)
        assert outcome.code == 0, outcome.err
        return open_corpus(home, "diary")

    return fetch


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the reader's in their own directory, in which they stand."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "t.csv").write_text(write_tiny_text())
    return tmp_path / "t.csv"


@pytest.mark.parametrize("source", ["csv:{}", "csv:{}#text", "csv:~/t.csv", "csv:t.csv", "t.csv", "{}"])
def test_what_is_read_for_the_reader_is_private_unless_they_say_public(install, fetched, mine, source):
    install(CSV)
    source = source.format(mine)
    assert fetched("--from", source).private
    assert not fetched("--from", source, "--public").private


@pytest.mark.parametrize(
    ("source", "public", "private", "expected"),
    [
        ("{}", False, False, True),
        ("odes:all", False, False, True),
        ("odes:all", True, False, False),
        ("odes:all", True, True, True),
    ],
)
def test_a_dataset_of_a_plugin_is_public_only_if_the_plugin_says_so(
    install, fetched, mine, source, public, private, expected
):
    install(OFFERS.format(source=source.format(mine), public=public, private=private))
    assert fetched().private is expected


def test_public_lifts_what_is_assumed_and_not_what_a_plugin_says(zoo, install, fetched, mine):
    install(OFFERS.format(source=str(mine), public=False, private=False))
    assert fetched().private
    assert not fetched("--public").private


def test_a_dataset_that_is_private_stays_so_aloud(zoo, install, home, mine):
    install(OFFERS.format(source=str(mine), public=False, private=True))
    outcome = zoo("fetch", "diary", "--public")
    assert open_corpus(home, "diary").private
    assert "zoo: warning: 'diary' stays private: the plugin that offers it says so\n" in outcome.err


def test_a_file_of_the_readers_under_the_name_of_a_public_dataset_is_private(install, fetched, mine):
    install(OFFERS.format(source="odes:all", public=True, private=False))
    assert not fetched().private
    assert fetched("--from", str(mine)).private


def test_a_file_that_a_plugin_reads_from_a_path_is_private_when_recognised(zoo, install, home, mine, fetched):
    """Its sha256 tells which dataset it is, and that dataset is private."""
    sha256 = fetched("--from", str(mine)).source_sha256
    offer = OFFERS.format(source=str(mine), public=False, private=False).replace(
        "public=", f"sha256={sha256!r}, public="
    )
    install(offer)
    assert zoo("fetch", "other", "--from", str(mine)).code == 0
    assert open_corpus(home, "other").private


def test_what_a_bundled_scheme_reads_is_public_and_a_stranger_who_takes_it_is_not(install, fetched):
    assert not fetched("--from", "pydoc:topics").private
    install(OFFERS.format(source="", public=False, private=False).replace("odes:all", "pydoc:topics"))
    assert fetched("--from", "pydoc:topics").private


def test_the_bundled_datasets_are_public_but_for_the_one_in_copyright(zoo):
    from zoo.corpora.dataset import is_private
    from zoo.plugins import Plugins

    offered = Plugins(third_party=False).datasets.values()
    assert [dataset.name for dataset in offered if is_private(dataset)] == ["hhgttg"]
    rows = {line.split()[0]: line for line in zoo("datasets").out.splitlines()}
    assert [name for name, row in rows.items() if " private " in row] == ["hhgttg"]


def test_no_door_lets_a_text_out_that_a_plugin_read(zoo, install, home, mine):
    """The report, what is recorded and what is listed: no passage of the text, nor of what was written after it."""
    install(CSV)
    assert zoo("fetch", "diary", "--from", f"csv:{mine}#text").code == 0
    assert zoo("train", "-d", "diary", "--name", "m", "--keep", "log", *tiny_settings(max_steps=40)).code == 0
    assert zoo("report", "m", "-o", str(mine.with_name("report.html"))).code == 0
    doors = [
        ("list",),
        ("show", "m"),
        ("compare", "m"),
        ("compare", "m", "--md"),
        ("compare", "m", "--csv"),
        ("matrix",),
    ]
    outcomes = [zoo(*words) for words in doors]
    outcomes += [
        zoo(*words, "--json") for words in (("list",), ("show", "m"), ("compare", "m"), ("matrix",), ("datasets",))
    ]
    assert [outcome.code for outcome in outcomes] == [0] * len(outcomes)
    kept = [path for path in home.models.rglob("*") if path.is_file() and path.suffix != ".safetensors"]
    seen = [path.read_text() for path in [*kept, home.registry, mine.with_name("report.html")]]
    seen += [outcome.out + outcome.err for outcome in outcomes]
    text = write_tiny_text()
    spans = {text[i : i + SPAN] for i in range(len(text) - SPAN + 1)}
    assert not [span for span in spans for page in seen if span in page]
    assert "of private texts, nothing is shown" in mine.with_name("report.html").read_text()
    assert "<pre" not in mine.with_name("report.html").read_text()
