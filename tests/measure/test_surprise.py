"""Surprise: the bits of every character of a text."""

import math

import numpy as np
import pytest

from models import LETTERS, random_engine, random_voice
from zoo.corpora.vocab import Bytes, Characters
from zoo.engine.window import window_start
from zoo.errors import BadData
from zoo.measure.surprise import gain, peaks, surprise

TEXT = "abc de\nE dea" * 9


def naive(voice, text: str) -> list[float]:
    """Each id fed by itself, as a model that writes them would be, and the bits of those of a character summed."""
    engine, vocab = voice.engine, voice.vocab
    state, costs = engine.state(), []
    logits = engine.extend(state, [vocab.first_id()])
    for character in text:
        total = 0.0
        for id in vocab.encode(vocab.adapt(character, "replace")):
            exact = logits.astype(np.float64)
            total -= (exact[id] - exact.max() - math.log(np.exp(exact - exact.max()).sum())) / math.log(2)
            logits = engine.extend(state, [int(id)])
        costs.append(math.nan if vocab.unknown(character) else total)
    return costs


@pytest.mark.parametrize("block_size", [1, 2, 3, 8, 200])
@pytest.mark.parametrize("vocab", [LETTERS, Bytes()], ids=["characters", "bytes"])
def test_bits_are_those_of_a_model_that_writes_the_text(vocab, block_size):
    voice = random_voice(vocab, block_size=block_size)
    assert surprise(voice.engine, vocab, TEXT).bits == pytest.approx(naive(voice, TEXT), abs=1e-4)


def test_a_character_of_several_bytes_costs_what_they_cost_together():
    voice = random_voice(Bytes(), block_size=4)
    text = "é€😀z" * 5
    measured = surprise(voice.engine, voice.vocab, text)
    assert measured.bits.shape == (20,)
    assert measured.bits == pytest.approx(naive(voice, text), abs=1e-4)


def test_an_unknown_character_has_no_bits_and_its_nearest_is_seen_in_its_place():
    voice = random_voice(LETTERS)
    text = "abécdΩe"
    measured = surprise(voice.engine, voice.vocab, text)
    assert np.isnan(measured.bits).tolist() == [c in "éΩ" for c in text]
    assert measured.bits == pytest.approx(naive(voice, text), abs=1e-4, nan_ok=True)
    assert measured.known == 5
    assert measured.coverage == pytest.approx(5 / 7)
    assert measured.mean == pytest.approx(np.nanmean(naive(voice, text)), abs=1e-4)


def test_a_text_of_unknown_characters_alone_has_no_mean():
    voice = random_voice(Characters("xyz"))
    measured = surprise(voice.engine, voice.vocab, "abc")
    assert measured.known == 0
    assert math.isnan(measured.mean)


@pytest.mark.parametrize("size", [1, 5, 7])
def test_the_size_of_the_blocks_does_not_matter(size, monkeypatch):
    voice = random_voice(LETTERS)
    whole = surprise(voice.engine, voice.vocab, TEXT + "é" + TEXT).bits
    monkeypatch.setattr("zoo.measure.scoring.BLOCK_CHARACTERS", size)
    assert np.array_equal(surprise(voice.engine, voice.vocab, TEXT + "é" + TEXT).bits, whole, equal_nan=True)


def test_progress_is_told_up_to_the_end():
    events = []
    voice = random_voice(LETTERS)
    surprise(voice.engine, voice.vocab, TEXT, events.append)
    assert [event.done for event in events] == sorted(event.done for event in events)
    assert events[-1].total == len(TEXT)


def test_numbers_that_are_not_finite_are_bad_data():
    voice = random_voice(LETTERS)
    shapes = voice.engine.config.weight_shapes()
    broken = type(voice.engine)(
        voice.engine.config, {name: np.full(s, np.nan, np.float32) for name, s in shapes.items()}
    )
    with pytest.raises(BadData, match="not finite"):
        surprise(broken, voice.vocab, "abc")


def test_the_gain_of_a_model_is_what_the_other_needs_more():
    one, other = random_voice(LETTERS, seed=1), random_voice(Characters("\n abcdeEé"), seed=2)
    text = "abécd"
    a, b = (surprise(voice.engine, voice.vocab, text) for voice in (one, other))
    assert gain(a, b).bits == pytest.approx(b.bits - a.bits, nan_ok=True)
    assert gain(a, b).known == 4


def test_peaks_are_the_highest_with_their_places():
    text = "ab\ncd\n\nef"
    values = np.array([1, 9, 0, 3, math.nan, 2, 2, 9, 5], dtype=float)
    found = peaks(text, values, 3, context=2)
    assert [(peak.character, peak.line, peak.column) for peak in found] == [("b", 1, 2), ("e", 4, 1), ("f", 4, 2)]
    assert (found[0].before, found[0].after) == ("a", "\nc")
    assert [peak.offset for peak in peaks(text, values, 100)] == [1, 7, 8, 3, 5, 6, 0, 2]


@pytest.mark.parametrize("block_size", [1, 2, 3, 8, 500])
@pytest.mark.parametrize("vocab", [LETTERS, Bytes(), Characters("abc")], ids=["characters", "bytes", "few"])
def test_bits_are_those_of_each_prefix_by_itself(vocab, block_size):
    engine, text = random_engine(vocab, block_size=block_size), TEXT[:60] + "é東\u0301 \U0001f600" + TEXT[:20]
    ids, owners = [vocab.first_id()], [-1]
    for at, character in enumerate(text):
        encoded = vocab.encode(vocab.adapt(character, "replace")).tolist()
        ids += encoded
        owners += [at] * len(encoded)
    expected = [math.nan if vocab.unknown(character) else 0.0 for character in text]
    for at in range(1, len(ids)):
        seen = np.array(ids[window_start(at, block_size) : at])
        expected[owners[at]] -= engine.score(seen)[-1, ids[at]] / math.log(2)
    np.testing.assert_allclose(surprise(engine, vocab, text).bits, expected, atol=1e-4)


def test_the_bits_of_a_text_sum_to_those_of_the_engine():
    for vocab, text in ((LETTERS, TEXT[:40]), (Bytes(), "abé€" * 10)):
        engine = random_engine(vocab, block_size=256)
        ids = np.concatenate(([vocab.first_id()], vocab.encode(text)))
        nats = -engine.score(ids[:-1])[np.arange(len(ids) - 1), ids[1:]].sum()
        measured = surprise(engine, vocab, text)
        assert measured.bits.sum() == pytest.approx(nats / math.log(2), rel=1e-9)
        assert measured.mean == pytest.approx(nats / math.log(2) / 40, rel=1e-9)
        assert measured.coverage == 1


def test_the_first_character_follows_a_newline_or_else_the_first_id():
    for vocab, first in ((Characters("ab\n"), 0), (Characters("\tab\n"), 1), (Characters("ab"), 0), (Bytes(), 10)):
        assert vocab.first_id() == first
        engine = random_engine(vocab)
        expected = -engine.score(np.array([first]))[0, int(vocab.encode("b")[0])] / math.log(2)
        assert surprise(engine, vocab, "b").bits.tolist() == pytest.approx([expected])


@pytest.mark.parametrize("block_size", [1, 2, 3, 10])
def test_an_engine_never_gets_more_than_its_context_nor_nothing(block_size):
    engine, lengths = random_engine(LETTERS, block_size=block_size), []
    score = engine.score

    def counting(ids: np.ndarray) -> np.ndarray:
        lengths.append(len(ids))
        return score(ids)

    engine.score = counting
    assert surprise(engine, LETTERS, "ab" * 50).known == 100
    assert max(lengths) == block_size
    assert min(lengths) > 0


@pytest.mark.parametrize("text", ["東京", "", "\ud800"])
def test_where_nothing_is_fed_nothing_is_measured(text):
    assert surprise(random_engine(Characters("ab")), Characters("ab"), text).known == 0


def test_half_a_surrogate_pair_is_scored_as_the_byte_it_becomes():
    engine = random_engine(Bytes())
    np.testing.assert_array_equal(surprise(engine, Bytes(), "a\ud800b").bits, surprise(engine, Bytes(), "a?b").bits)


def test_places_are_those_of_counting_by_hand():
    chance = np.random.default_rng(2)
    text = "".join(chance.choice(list("ab\n"), size=400))
    for peak in peaks(text, chance.random(400), 50):
        before = text[: peak.offset]
        assert peak.line == before.count("\n") + 1
        assert peak.column == len(before) - before.rfind("\n")
        assert text[peak.offset] == peak.character


def test_of_few_characters_all_are_peaks_but_the_unknown():
    assert [peak.offset for peak in peaks("abc", np.array([1.0, math.nan, 2.0]), 9)] == [2, 0]
    assert peaks("abc", np.full(3, math.nan), 9) == []
    assert peaks("", np.zeros(0), 9) == []
