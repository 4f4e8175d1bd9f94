"""Novelty: verbatim spans are those that a slow search finds, and what a model has read is found or missed aloud."""

import math
import random
import shutil
import time

import pytest
from tiny import tiny_settings

from models import LETTERS, random_voice
from zoo.corpora.corpus import open_corpus
from zoo.engine.sampling import Sampler, Sampling
from zoo.errors import BadData, NotFound, UsageProblem
from zoo.events import Progress
from zoo.measure.novelty import MOST, novelty, place_in, reading_of, repeats, write
from zoo.measure.verbatim import Span, covered, find_spans
from zoo.registry.registry import Registry


def spans_by_search(text: str, sources: list[str]) -> list[Span]:
    """Every pair of a begin and an end is tried."""
    pairs = [(i, j) for i in range(len(text)) for j in range(i + 1, len(text) + 1)]
    stand = {(i, j) for i, j in pairs if any(text[i:j] in source for source in sources)}
    maximal = sorted((i, j) for i, j in stand if (i - 1, j) not in stand and (i, j + 1) not in stand)
    spans = []
    for i, j in maximal:
        number = next(n for n, source in enumerate(sources) if text[i:j] in source)
        spans.append(Span(i, j, number, sources[number].index(text[i:j])))
    return spans


def covered_by_search(text: str, sources: list[str], least: int) -> set[int]:
    """A character counts when it is in a piece of exactly `least` characters that stands in a source."""
    begins = [i for i in range(len(text) - least + 1) if any(text[i : i + least] in source for source in sources)]
    return {i + k for i in begins for k in range(least)}


def blocks_of(text: str, chance: random.Random) -> list[str]:
    """The text in pieces, some of them empty."""
    cuts = sorted(chance.randint(0, len(text)) for _ in range(chance.randint(0, 4)))
    return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@pytest.mark.parametrize("seed", range(300))
def test_the_spans_are_those_of_a_slow_search(seed):
    chance = random.Random(seed)
    letters = "ab\ncé東"[: chance.randint(1, 6)]

    def some(most: int) -> str:
        return "".join(chance.choices(letters, k=chance.randint(0, most)))

    texts, sources = [some(25) for _ in range(chance.randint(0, 4))], [some(60) for _ in range(chance.randint(0, 3))]
    if sources and texts and chance.random() < 0.5:  # a long piece that is really there
        begin = chance.randint(0, len(sources[0]))
        texts[0] += sources[0][begin : begin + 20] + texts[0]
    found = find_spans(texts, [blocks_of(source, chance) for source in sources])
    assert found == [spans_by_search(text, sources) for text in texts]
    least = chance.randint(1, 8)
    for text, spans in zip(texts, found, strict=True):
        runs = list(covered(spans, least))
        assert {i for begin, end in runs for i in range(begin, end)} == covered_by_search(text, sources, least)
        assert runs == sorted(runs)


def test_spans_of_one_letter_are_found_in_no_time():
    began = time.monotonic()
    (spans,) = find_spans(["a" * 20_000], [["a" * 50_000, "b" * 50_000, "a" * 3]])
    assert spans == [Span(0, 20_000, 0, 0)]
    assert find_spans(["a" * 20_000], [["b" * 50_000]]) == [[]]
    assert len(find_spans(["ab" * 10_000], [["ba" * 10_000 + "c"]])[0]) == 2
    assert time.monotonic() - began < 20


def test_a_megabyte_is_searched_in_a_few_seconds():
    chance = random.Random(3)
    words = ["".join(chance.choices("etaoinshr", k=chance.randint(2, 8))) for _ in range(3000)]
    source = " ".join(chance.choices(words, k=200_000))[:1_000_000]
    texts = [source[at : at + 500] for at in range(1000, 11_000, 1000)] + ["".join(chance.choices("etao ", k=5000))]
    began = time.process_time()
    (found,) = repeats([texts], [[source]], 30)
    assert time.process_time() - began < 5
    assert found.verbatim == 5000
    assert found.longest == (0, Span(0, 500, 0, 1000))


def test_touching_spans_are_two_runs_and_overlapping_ones_are_one():
    spans = [Span(0, 4, 0, 0), Span(4, 8, 0, 9), Span(6, 12, 0, 20), Span(13, 15, 0, 0)]
    assert list(covered(spans, 3)) == [(0, 4), (4, 12)]
    assert list(covered(spans, 2)) == [(0, 4), (4, 12), (13, 15)]
    assert list(covered([], 1)) == []


def test_no_span_crosses_from_one_text_or_source_into_another():
    assert find_spans(["ab", "cd"], [["abcd"]]) == [[Span(0, 2, 0, 0)], [Span(0, 2, 0, 2)]]
    assert find_spans(["abcd"], [["ab"], ["cd"]]) == [[Span(0, 2, 0, 0), Span(2, 4, 1, 0)]]
    assert find_spans(["abcd"], [["a", "", "bc"], ["d"]]) == [[Span(0, 3, 0, 0), Span(3, 4, 1, 0)]]


def test_figures_of_nothing_and_of_one_character():
    nothing, one = repeats([[""], ["a"]], [["ba"]], 1)
    assert (nothing.characters, nothing.verbatim, nothing.longest) == (0, 0, None)
    assert math.isnan(nothing.share)
    assert (one.share, one.longest) == (1.0, (0, Span(0, 1, 0, 1)))
    assert repeats([["a"]], [["ba"]], 2)[0].share == 0
    assert repeats([["a"]], [], 1)[0].longest is None


def test_the_page_beside_is_the_beginning_of_the_validation_part_cut_alike(home, tiny_model, cut):
    registry = Registry(home)
    reading = reading_of(registry, registry.get(tiny_model))
    corpus = open_corpus(home, "tiny")
    train, val = corpus.text("train"), corpus.text("val")
    whole = novelty(reading, [train[100:200], "x" * 50, "", train[:7]])
    assert list(whole.page.texts) == [val[:100], val[100:150], val[150:157]]
    assert whole.written.verbatim == 100
    assert whole.written.longest == (0, Span(0, 100, 0, train.index(train[100:200])))
    cut(37)
    assert novelty(reading, [train[100:200], "x" * 50, "", train[:7]]) == whole
    assert sum(map(len, novelty(reading, [val + val]).page.texts)) == len(val)
    with pytest.raises(BadData, match="give a part"):
        novelty(reading, ["a" * (MOST + 1)])


def test_a_place_is_that_of_counting_by_hand(home, tiny_model, cut):
    corpus = open_corpus(home, "tiny")
    text = corpus.text()
    for size in (2**20, 41):
        cut(size)
        for offset in [0, 1, 40, 41, 42, *range(300, 600, 7), text.index("\n"), text.index("\n") + 1, len(text) - 1]:
            before = text[:offset]
            assert place_in(corpus, offset) == (before.count("\n") + 1, offset - before.rfind("\n")), offset


@pytest.fixture
def child(zoo, tiny_model, tmp_path):
    """A model that began from `tiny-nano`, on another text."""
    (tmp_path / "other.txt").write_text("By the old barn two red dogs sat and saw.\n" * 40)
    assert zoo("fetch", "other", "--from", str(tmp_path / "other.txt")).code == 0
    recipe = [word for pair in ("batch_size=4", "max_steps=2") for word in ("--set", pair)]
    outcome = zoo("train", "-d", "other", "-n", "child", "--init", "tiny-nano", *recipe)
    assert outcome.code == 0, outcome.err
    return "child"


def test_what_the_ancestors_have_read_is_read_too(zoo, home, child):
    registry = Registry(home)
    reading = reading_of(registry, registry.get(child))
    assert [corpus.name for corpus in reading.corpora] == ["other", "tiny"]
    assert reading.lost == []
    piece = open_corpus(home, "tiny").text("train")[500:600]
    found = novelty(reading, [piece])
    assert found.written.verbatim == 100
    assert found.written.longest == (0, Span(0, 100, 1, 500))
    assert found.page.texts == [open_corpus(home, "other").text("val")[:100]]


def test_a_text_is_read_once_whoever_has_read_it(zoo, home, child, tiny_text):
    recipe = [word for pair in ("batch_size=4", "max_steps=1") for word in ("--set", pair)]
    assert zoo("train", "-d", "tiny", "-n", "grandchild", "--init", "child", *recipe).code == 0
    registry = Registry(home)
    assert [c.name for c in reading_of(registry, registry.get("grandchild")).corpora] == ["tiny", "other"]


def test_ancestors_that_cannot_be_looked_at_are_named(zoo, home, child):
    registry = Registry(home)
    text = open_corpus(home, "tiny").text_path
    text.write_text(text.read_text().replace("cat", "dog"))
    (line,) = reading_of(registry, registry.get(child)).lost
    assert "what 'tiny-nano' has read" in line
    assert "was changed" in line
    shutil.rmtree(home.corpora / "tiny")
    (line,) = reading_of(registry, registry.get(child)).lost
    assert "zoo fetch tiny" in line
    assert zoo("rm", "tiny-nano").code == 0
    reading = reading_of(registry, registry.get(child))
    assert [corpus.name for corpus in reading.corpora] == ["other"]
    assert len(reading.lost) == 1
    assert "is not here any more" in reading.lost[0]


def test_models_that_name_each_other_as_parent_are_followed_once(home, child):
    registry = Registry(home)
    model = registry.get(child)
    registry.update("tiny-nano", registry.get("tiny-nano").record.id, parent=model.record.id)
    assert [corpus.name for corpus in reading_of(registry, model).corpora] == ["other", "tiny"]


def test_without_its_own_text_there_is_nothing_to_measure(zoo, home, child):
    registry = Registry(home)
    shutil.rmtree(home.corpora / "other")
    with pytest.raises(NotFound, match="zoo fetch other"):
        reading_of(registry, registry.get(child))


@pytest.mark.parametrize("length", [0, 1, 49, 50, 51, 120])
def test_texts_written_together_are_those_written_alone(length):
    voice, events = random_voice(LETTERS), []
    found = write(lambda i: voice.begin("", Sampler(Sampling(), 7 + i)), 35, length, events.append)
    assert found == [voice.generate("", max_new=length, seed=7 + i) for i in range(35)]
    done = [event.done for event in events]
    assert done == sorted(done)
    assert all(isinstance(event, Progress) and event.done < event.total == 35 * length for event in events)


def test_no_more_is_written_than_can_be_measured():
    with pytest.raises(UsageProblem, match="measured at once"):
        write(lambda i: pytest.fail("begun"), MOST, 2)


def test_a_snapshot_has_read_what_its_model_has(zoo, home, tiny_corpus):
    assert zoo("train", "-d", "tiny", "-n", "steps", "--keep", "log", *tiny_settings(max_steps=2)).code == 0
    registry = Registry(home)
    assert [corpus.name for corpus in reading_of(registry, registry.resolve("steps@1")).corpora] == ["tiny"]
