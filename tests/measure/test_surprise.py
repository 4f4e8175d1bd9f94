"""Surprise: the bits of every character of a text."""

import math

import numpy as np
import pytest

from models import LETTERS, random_voice
from zoo.corpora.vocab import Bytes, Characters
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


@pytest.mark.parametrize("block_size", [2, 3, 8, 200])
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
    monkeypatch.setattr("zoo.measure.surprise.BLOCK_CHARACTERS", size)
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
