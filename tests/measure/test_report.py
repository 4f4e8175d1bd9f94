"""The report: one page that needs nothing from elsewhere, and tells nothing of a private text."""

import re
import shutil

import pytest
from tiny import tiny_settings, write_tiny_text

from zoo.registry.registry import Registry

SPAN = 30  # characters


@pytest.fixture
def page(zoo, tmp_path):
    """The page about some models."""

    def write(*models):
        path = tmp_path / "report.html"
        outcome = zoo("report", *models, "-o", str(path))
        assert outcome.code == 0, outcome.err
        return path.read_text(encoding="utf-8")

    return write


@pytest.fixture
def public(zoo, tmp_path, tiny_model):
    """A model of the same text, which anyone may read."""
    path = tmp_path / "open.txt"
    path.write_text(write_tiny_text() + "The end.\n")
    assert zoo("fetch", "open", "--from", str(path), "--public").code == 0
    assert zoo("train", "-d", "open", "-n", "open-nano", *tiny_settings(max_steps=20)).code == 0
    return "open-nano"


def words_of(page):
    """What a reader of the page could see, without its marks."""
    text = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", "", text)


def spans(text):
    return {text[i : i + SPAN] for i in range(len(text) - SPAN + 1)}


def flat(text):
    """Without line ends, in whatever form."""
    return re.sub(r"[\s↵]+", " ", text)


def test_a_private_text_gives_numbers_alone(page, tiny_model):
    found = page(tiny_model)
    book = flat(write_tiny_text())
    assert not any(span in flat(words_of(found)) for span in spans(book))
    assert not any(span in found for span in spans(write_tiny_text()))
    assert "of private texts, nothing is shown" in found
    assert "<pre" not in found
    assert "tiny-nano" in found


def test_the_test_above_would_notice(page, public):
    """The same text, fetched for all: a passage of it stands on the page."""
    assert any(span in flat(words_of(page(public))) for span in spans(flat(write_tiny_text())))


def test_a_model_that_began_from_a_private_one_is_private(zoo, page, public):
    settings = tiny_settings(max_steps=4)
    assert zoo("train", "-d", "open", "-n", "child", "--init", "tiny-nano", *settings).code == 0
    found = page("child")
    assert "of private texts, nothing is shown" in found
    assert "<pre" not in found


def test_a_text_that_became_private_later_is_private(zoo, page, public, tmp_path):
    assert zoo("fetch", "open", "--from", str(tmp_path / "open.txt")).code == 0
    assert "<pre" not in page(public)


def test_a_model_whose_ancestor_became_private_is_private(zoo, page, public, tmp_path):
    (tmp_path / "more.txt").write_text("The dog. " + write_tiny_text())
    assert zoo("fetch", "more", "--from", str(tmp_path / "more.txt"), "--public").code == 0
    assert zoo("train", "-d", "more", "-n", "child", "--init", public, *tiny_settings(max_steps=4)).code == 0
    assert "<pre" in page("child")
    assert zoo("fetch", "open", "--from", str(tmp_path / "open.txt")).code == 0
    assert "<pre" not in page("child")


def test_a_public_text_has_a_sample_and_a_surprise(page, public):
    found = page(public)
    assert found.count("<pre") == 2
    assert "bits per character (sliding/v1)" in found


def test_the_page_needs_nothing_from_elsewhere(page, public, tiny_model):
    found = page()
    assert "default-src 'none'" in found
    assert not re.search(r"<script|<link|<iframe|<img|\bsrc=|\bhref=|@import|url\(|\bon\w+=", found)
    assert found.startswith("<!doctype html>")
    assert found.endswith("</html>\n")


def test_the_figures_are_those_of_the_records(home, page, public, tiny_model):
    found = page(public, tiny_model)
    for name in (public, tiny_model):
        record = Registry(home).get(name).record
        assert f"{record.val_loss:.4f}" in found
        assert f"{record.val_bpc:.4f}" in found
    assert "<svg" in found
    assert 'class="matrix"' in found


def test_leaderboard_and_curves_come_before_the_cards(page, public):
    found = page(public)
    places = [found.index(part) for part in ("<table>", '<svg class="chart"', '<section class="card">', "<pre")]
    assert places == sorted(places)


def test_a_loss_above_the_frame_is_not_drawn_at_its_edge(home, page, public):
    """The first of the losses of shakespeare-m2 are 2.06 and 1.87."""
    found = page("shakespeare-m2")
    top = re.search(r'class="grid" d=".*M\S+ ([\d.]+)H[\d.]+"', found).group(1)
    dots = re.search(r'class="dots c0" d="(.*?)"', found).group(1)
    assert dots.count("M") == 11
    assert f" {top}h0" not in dots
    assert re.search(rf'class="line c0" d="M[\d.]+ {top}L', found)


def test_names_and_notes_are_no_markup(home, page, public):
    text = home.registry.read_text().replace('preset = "nano"', 'preset = "<b>&x"')
    home.registry.write_text(text)
    found = page(public)
    assert "<b>&x" not in found
    assert "&lt;b&gt;&amp;x" in found


def test_what_is_lacking_is_said_and_nothing_of_this_machine(home, page, public):
    shutil.rmtree(home.corpora)
    found = page(public)
    assert "its text is not here" in found
    assert str(home.path) not in found
    (home.models / public / "weights.safetensors").unlink()
    found = page(public)
    assert "its weights are not here" in found
    assert str(home.path) not in found


@pytest.mark.parametrize(
    ("args", "code"), [(["nobody"], 3), (["a+b"], 2), (["-o", "/nowhere/at/all.html"], 6)], ids=str
)
def test_what_cannot_be_reported_is_said_in_a_line(zoo, tiny_model, args, code):
    outcome = zoo("report", *args)
    assert (outcome.code, outcome.out) == (code, "")
    assert len(outcome.err.splitlines()) == 1


def test_a_diverged_and_an_unfinished_model_have_cards(zoo, home, page, tiny_model):
    text = home.registry.read_text().replace('status = "ready"', 'status = "diverged"')
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("val_loss", "val_bpc")))
    home.registry.write_text(text)
    assert "diverged" in page("tiny-nano")


def test_the_same_home_gives_the_same_page(page, public):
    assert page(public) == page(public)
