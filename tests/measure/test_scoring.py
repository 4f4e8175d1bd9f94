"""Scoring: what a text costs a model, its unknown characters too."""

import math
import random

import numpy as np
import pytest

from models import LETTERS, random_engine
from zoo.corpora.vocab import Bytes, Characters
from zoo.errors import BadData
from zoo.measure.scoring import bits_of, tally
from zoo.protocol import CODE_POINTS, PROTOCOLS, SLIDING_V1, UNKNOWN_SHARE, WINDOWS_V1, bits, known_nats, unknown_nats

TEXT = "abc de\nE dea" * 9
STRANGE = "éabΩc d\u0301eﬁ\nE dΩΩea" * 5
VOCABS = pytest.mark.parametrize("vocab", [LETTERS, Bytes(), Characters("abcde")], ids=["letters", "bytes", "no blank"])


def naive(engine, vocab, text: str, protocol: str) -> float:
    """Every character by itself: the cost of its ids, from whatever stands before it in the window."""
    ids, owners = [], []
    for at, character in enumerate(text):
        for id in vocab.encode(vocab.adapt(character, "replace")):
            ids.append(int(id))
            owners.append(at)
    lacking = [character in vocab.unknown(text) for character in text]
    share = known_nats() if any(lacking) else 0.0
    cost = [unknown_nats() if unknown else share for unknown in lacking]
    if not ids:
        return sum(cost[1:])
    for start, length, first in PROTOCOLS[protocol](len(ids), engine.config.block_size):
        for position in range(first, start + length + 1):
            if not lacking[owners[position]]:
                cost[owners[position]] -= engine.score(np.array(ids[start:position]))[-1, ids[position]]
    return sum(cost) - (unknown_nats() if lacking[owners[0]] else share)  # the first id has nothing before it


@pytest.mark.parametrize("protocol", [WINDOWS_V1, SLIDING_V1])
@pytest.mark.parametrize("text", [TEXT, STRANGE, "ab", "aΩ", "Ωa", "ΩΩ", "\u0301ab", "\u0301éab"], ids=ascii)
@VOCABS
def test_a_tally_is_the_sum_over_the_characters(vocab, text, protocol):
    engine = random_engine(vocab, block_size=5)
    found = tally(engine, vocab, lambda: iter([text]), PROTOCOLS[protocol])
    known = found.characters - 1 - found.charged
    charge = (found.charged * unknown_nats() + known * known_nats()) if found.unknown else 0.0
    assert found.nats + charge == pytest.approx(naive(engine, vocab, text, protocol), abs=1e-4)
    assert found.characters == len(text)
    assert found.unknown == sum(character in vocab.unknown(text) for character in text)


@pytest.mark.parametrize("seed", range(5))
def test_it_does_not_matter_in_which_blocks_a_text_comes(seed):
    chance = random.Random(seed)
    engine = random_engine(LETTERS, block_size=4)
    whole = tally(engine, LETTERS, lambda: iter([STRANGE]), PROTOCOLS[WINDOWS_V1])
    cuts = sorted(chance.sample(range(1, len(STRANGE)), 9))
    pieces = [STRANGE[a:b] for a, b in zip([0, *cuts], [*cuts, len(STRANGE)], strict=True)]
    assert tally(engine, LETTERS, lambda: iter(["", *pieces, ""]), PROTOCOLS[WINDOWS_V1]) == whole


def test_what_a_model_gives_all_characters_is_a_probability():
    """Known ones share what is not kept for the unknown ones."""
    engine = random_engine(LETTERS, block_size=5)
    after = "ab"
    probabilities = np.exp(engine.score(LETTERS.encode(after))[-1])
    known = probabilities.sum() * math.exp(-known_nats())
    assert known + CODE_POINTS * math.exp(-unknown_nats()) == pytest.approx(1.0)
    assert math.exp(-unknown_nats()) * CODE_POINTS == pytest.approx(UNKNOWN_SHARE)


def test_numbers_that_are_not_finite_cost_nan():
    engine = random_engine(LETTERS, block_size=5, scale=math.nan)
    assert math.isnan(tally(engine, LETTERS, lambda: iter([TEXT]), PROTOCOLS[WINDOWS_V1]).nats)
    with pytest.raises(BadData, match="not finite"):
        bits_of(engine, LETTERS, TEXT)


@pytest.mark.parametrize("text", [TEXT, STRANGE[1:], "ab", "aΩ", "Ωab", "\u0301ab", "\u0301éab", "ΩΩ"], ids=ascii)
@VOCABS
def test_bits_of_each_character_come_to_the_tally(vocab, text):
    """But those of a first character of several ids, of which the first alone is free: so it has none."""
    if isinstance(vocab, Bytes) and not text[0].isascii():
        text = f"a{text}"
    engine = random_engine(vocab, block_size=5)
    found = bits_of(engine, vocab, text)
    whole = tally(engine, vocab, lambda: iter([text]), PROTOCOLS[WINDOWS_V1])
    assert np.nansum(found) == pytest.approx(bits(whole.nats), abs=1e-9)
    lacking = [character in vocab.unknown(text) for character in text]
    free = next((i for i, c in enumerate(text) if len(vocab.encode(vocab.adapt(c, "replace")))), 0)
    assert np.isnan(found).tolist() == [unknown or i == free for i, unknown in enumerate(lacking)]


def test_progress_never_says_that_all_is_done():
    """For whoever draws it would take it for the end of a task that goes on."""
    told = []
    engine = random_engine(LETTERS, block_size=5)
    tally(engine, LETTERS, lambda: iter([TEXT]), PROTOCOLS[WINDOWS_V1], lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {total for _, total in told} == {len(TEXT)}
    assert told[-1][0] < len(TEXT)
