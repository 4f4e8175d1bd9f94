"""Texts from the web: known by their sha256 from the first time on, pages and books of Project Gutenberg."""

import hashlib
import json

import pytest
from web.server import TEXT, File

from zoo.corpora.corpus import open_corpus
from zoo.corpora.dataset import Dataset
from zoo.corpora.fetch import Wish, fetch
from zoo.plugins import Plugins

BOOK = (
    b"\xef\xbb\xbfThe Project Gutenberg eBook of Pride\r\n\r\n*** START OF THE PROJECT GUTENBERG EBOOK 1342 ***\r\n\r\n"
    b"It is a truth universally acknowledged, that a single man in\r\npossession must be in want of a wife.\r\n\r\n"
    b"*** END OF THE PROJECT GUTENBERG EBOOK 1342 ***\r\n\r\nlicence\r\n"
)


def files_in_cache(home) -> list[str]:
    return [path.name for path in home.cache.rglob("*") if path.is_file()]


def test_the_sha256_of_any_address_is_said_and_kept(zoo, home, server):
    server.pages["/text.txt"] = File(TEXT)
    outcome = zoo("fetch", "mine", "--from", server.url("/text.txt"))
    assert outcome.code == 0, outcome.err
    sha256 = hashlib.sha256(TEXT).hexdigest()
    assert f"the bytes of {server.url('/text.txt')} have sha256 {sha256}" in outcome.err
    corpus = open_corpus(home, "mine")
    assert (corpus.source_sha256, corpus.private, corpus.licence) == (sha256, False, "unknown")
    assert corpus.summary == "your own: text.txt"
    assert f"file sha256 {sha256}" in zoo("datasets", "mine").out
    assert files_in_cache(home) == []  # it is downloaded anew each time: nothing would ever read it


def test_addresses_and_files_make_one_text_together(zoo, home, server, tiny_text):
    server.pages["/one.txt"], server.pages["/two.txt"] = File(b"One.\n"), File(b"Two.\n")
    one, two = server.url("/one.txt"), server.url("/two.txt") + "?key=secret"
    assert zoo("fetch", "mine", "--from", two, "--from", one).code == 0
    corpus = open_corpus(home, "mine")
    assert (corpus.text(), corpus.private, corpus.source_sha256) == ("Two.\n\nOne.\n", False, "")
    assert corpus.source == f"{server.url('/two.txt')}?... + {one}"
    assert zoo("fetch", "mine", "--from", one, "--from", str(tiny_text)).code == 0
    corpus = open_corpus(home, "mine")
    assert (corpus.text(), corpus.private) == ("One.\n\n" + tiny_text.read_text(), True)
    assert files_in_cache(home) == []


def test_bytes_that_changed_behind_an_address_are_said_to_have(zoo, home, server):
    url = server.url("/text.txt")
    server.pages["/text.txt"] = File(TEXT)
    assert zoo("fetch", "mine", "--from", url).code == 0
    assert "changed" not in zoo("fetch", "mine", "--from", url).err
    before = open_corpus(home, "mine")
    server.pages["/text.txt"] = File(TEXT + b"And more.\n")
    outcome = zoo("fetch", "mine", "--from", url)
    assert outcome.code == 0
    assert f"zoo: warning: the bytes of {url} have changed: 'mine' is now another text" in outcome.err
    open_corpus(home, "mine", before.sha256).check_text()


def test_another_source_of_a_dataset_is_that_dataset_only_by_its_sha256(home, server):
    known = Dataset(
        name="known",
        summary="known text",
        licence="CC0",
        source="https://example.org/known.txt",
        sha256=hashlib.sha256(TEXT).hexdigest(),
    )
    server.pages["/mirror.txt"], server.pages["/other.txt"] = File(TEXT), File(TEXT + b"edited\n")
    opener = Plugins(third_party=False).open
    mirror = fetch(home, known, Wish(sources=(server.url("/mirror.txt"),)), opener=opener)
    assert (mirror.licence, mirror.summary) == ("CC0", "known text")
    other = fetch(home, known, Wish(sources=(server.url("/other.txt"),)), opener=opener)
    assert (other.licence, other.summary) == ("unknown", "your own: other.txt")


@pytest.mark.parametrize("address", ["me:{}@{}", "me:p@{}@{}"])
@pytest.mark.parametrize("path", ["", "/", "/text.txt", "/text.txt?token={}"])
def test_no_login_and_no_token_is_kept_or_shown(zoo, home, server, address, path):
    server.pages["/"] = server.pages["/text.txt"] = File(TEXT)
    host = server.url("").removeprefix("http://")
    url = f"http://{address.format('SECRET', host)}{path.format('SECRET')}"
    outcome = zoo("fetch", "mine", "--from", url)
    assert outcome.code == 0, outcome.err
    shown = outcome.err + zoo("datasets", "mine", "--json").out + zoo("datasets").out
    assert "SECRET" not in shown
    kept = (home.corpora / "mine").rglob("*.*")
    assert not [path for path in kept if path.is_file() and b"SECRET" in path.read_bytes()]


@pytest.mark.parametrize("url", ["https://u:SECRET@[::1/x", "https://u:p@SECRET@[bad/x"])
def test_an_address_that_is_none_is_refused_without_its_login(zoo, url):
    outcome = zoo("fetch", "mine", "--from", url)
    assert outcome.code == 2
    assert "SECRET" not in outcome.err


def test_this_machine_is_not_asked_through_a_proxy(zoo, home, server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.pages["/text.txt"] = File(TEXT)
    assert zoo("fetch", "mine", "--from", server.url("/text.txt")).code == 0


def test_a_long_name_of_many_bytes_is_cut(zoo, server):
    server.pages["/" + "%F0%9F%98%80" * 76 + ".txt"] = File(TEXT)
    assert zoo("fetch", "mine", "--from", server.url("/" + "%F0%9F%98%80" * 76 + ".txt")).code == 0


def test_a_download_that_is_no_text_does_not_stay(zoo, home, server):
    server.pages["/a.pdf"] = File(b"%PDF-1.7 nothing to read")
    assert zoo("fetch", "mine", "--from", server.url("/a.pdf")).code == 4
    assert files_in_cache(home) == []


def test_a_page_is_fetched_as_its_text(zoo, home, server):
    server.pages["/wiki/page"] = File(b"<!DOCTYPE html><html><body><h1>Title</h1><p>One.<p>Two.</body></html>")
    assert zoo("fetch", "mine", "--from", server.url("/wiki/page")).code == 0
    assert open_corpus(home, "mine").text() == "Title\n\nOne.\n\nTwo.\n"


def test_a_book_of_project_gutenberg_comes_by_its_number(zoo, home, server, monkeypatch):
    monkeypatch.setenv("ZOO_GUTENBERG", server.url("/mirror/"))
    server.pages["/mirror/cache/epub/1342/pg1342.txt"] = File(BOOK)
    outcome = zoo("fetch", "pride", "--from", "gutenberg:1342", "--unwrap")
    assert outcome.code == 0, outcome.err
    corpus = open_corpus(home, "pride")
    text = "It is a truth universally acknowledged, that a single man in possession must be in want of a wife.\n"
    assert corpus.text() == text
    assert (corpus.source, corpus.private, corpus.summary) == ("gutenberg:1342", False, "your own: gutenberg:1342")
    assert files_in_cache(home) == []
    (document,) = json.loads(zoo("datasets", "pride", "--json").out)["documents"]
    assert document == {"name": "pg1342.txt", "characters": len(text), "encoding": "utf-8"}


@pytest.mark.parametrize("number", ["", "0", "x", "-1", "12345678", "../1", "1342/x", "١٣٤٢"])
def test_what_is_no_number_of_a_book_is_a_usage_problem(zoo, number):
    outcome = zoo("fetch", "pride", "--from", f"gutenberg:{number}")
    assert outcome.code == 2
    assert "is no book: the number is in its address" in outcome.err


def test_a_book_that_is_not_there_is_a_network_problem(zoo, home, server, monkeypatch):
    monkeypatch.setenv("ZOO_GUTENBERG", server.url(""))
    outcome = zoo("fetch", "pride", "--from", "gutenberg:7")
    assert outcome.code == 7
    assert "the server says 404" in outcome.err
    assert not list(home.corpora.glob("*/*"))
