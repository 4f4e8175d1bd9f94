"""What a model must beat: the fast counts against slow ones that are plainly right."""

import math
import random
from collections import defaultdict
from itertools import product

import pytest

from zoo.corpora.ngrams import FALLBACK, ngram_bits

VERSE = "the cat sat on the mat, the rat sat on the cat; and that was that, said the cat to the bat on the mat. "
PAIRS = {
    "verse": (VERSE, "the bat that sat on the rat"),
    "unseen contexts": (VERSE, "zyx the zyx cat"),
    "unseen characters": (VERSE, "THE CAT é"),
    "not one character in common": (VERSE, "ÀÉÎ"),
    "two characters": (VERSE, "th"),
    "the whole train again": (VERSE, VERSE),
    "a first character that never comes back": ("\ufeff" + VERSE, "\ufeffthe \ufeff"),
    "non-BMP": ("😀𝔘😀😀𒀀\U0010ffff😀𝔘𒀀" * 3, "😀𝔘\U0001ffff😀𒀀"),
    "half a surrogate pair": ("a\ud800b\ud800a", "\ud800a\udc00"),
    "one character": ("aaaaa", "aaaa"),
    "one character, another one": ("aaaaa", "bbbb"),
    "a train shorter than the order": ("ab", "abab"),
    "a train of one character": ("a", "abba"),
    "no train": ("", "abba"),
}


def babble(seed: int, length: int) -> str:
    """Words, some of them often: there are k-grams of every small count, so that their discounts can be estimated."""
    draw = random.Random(seed)
    words = ["".join(draw.choices("abcdefghijklmnor", k=draw.randint(1, 6))) for _ in range(200)]
    return " ".join(draw.choices(words, [1 / n for n in range(1, 201)], k=length))[:length]


class Slow:
    """The same model by its definition: a table of the predecessors of each k-gram, probabilities by recursion."""

    def __init__(self, train: str, alphabet: set[str], order: int) -> None:
        self.size = len(alphabet)
        self.order = min(order, len(train))
        self.following: list[dict[str, dict[str, int]]] = []
        self.discounts = []
        for k in range(1, self.order + 1):
            before = defaultdict(list)
            for begin in range(len(train) - k + 1):
                before[train[begin : begin + k]].append(train[begin - 1 : begin])
            counts = {gram: len(found if k == self.order else set(found)) for gram, found in before.items()}
            self.discounts.append(self.discounts_of(list(counts.values())))
            table: dict[str, dict[str, int]] = defaultdict(dict)
            for gram, count in counts.items():
                table[gram[:-1]][gram[-1]] = count
            self.following.append(table)

    @staticmethod
    def discounts_of(counts: list[int]) -> tuple[float, ...]:
        n1, n2, n3, n4 = (counts.count(n) for n in (1, 2, 3, 4))
        if 0 in (n1, n2, n3):
            return (0, *FALLBACK)
        y = n1 / (n1 + 2 * n2)
        estimated = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        return (0, *(estimated if min(estimated) > 0 else FALLBACK))

    def probability(self, context: str, character: str) -> float:
        if not self.order:
            return 1 / self.size
        context = context[max(0, len(context) - self.order + 1) :]
        lower = self.probability(context[1:], character) if context else 1 / self.size
        following, discounts = self.following[len(context)].get(context), self.discounts[len(context)]
        if following is None:
            return lower
        count = following.get(character, 0)
        shared = sum(discounts[min(n, 3)] for n in following.values())
        return (count - discounts[min(count, 3)] + shared * lower) / sum(following.values())


def slow_bits(train: str, val: str, order: int) -> float:
    model = Slow(train, set(train + val), order)
    return -sum(math.log2(model.probability(val[:i], val[i])) for i in range(1, len(val))) / (len(val) - 1)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_bits_are_those_of_the_slow_model(pair, order):
    train, val = pair
    assert ngram_bits(train, val, order=order) == pytest.approx(slow_bits(train, val, order), rel=0, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("order", [3, 5, 7])
def test_bits_are_those_of_the_slow_model_where_discounts_are_estimated(seed, order):
    text = babble(seed, 3000)
    train, val = text[:2700], text[2700:]
    assert Slow(train, set(text), order).discounts[-1][1:] != FALLBACK
    assert ngram_bits(train, val, order=order) == pytest.approx(slow_bits(train, val, order), rel=0, abs=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("train", ["", "b", "abracadabra, abracadabra", babble(0, 1500)], ids=len)
def test_probabilities_after_any_context_sum_to_one(train, order):
    contexts = ["", *map("".join, product("abr?", repeat=2)), "brac", "abracad", "dabr", "io ab"]
    alphabet = "".join(sorted(set(train).union(*contexts)))
    for context in contexts:
        before = alphabet + context  # so that the alphabet of both parts is always the same
        already = ngram_bits(train, before, order=order) * (len(before) - 1)
        after = [ngram_bits(train, before + c, order=order) * len(before) - already for c in alphabet]
        assert sum(2**-bits for bits in after) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_probabilities_of_the_slow_model_sum_to_one(seed):
    train = babble(seed, 1500)
    alphabet = set(train + "?😀")
    model = Slow(train, alphabet, 5)
    for context in ["", "a", "?", "zz", *(train[i : i + 6] for i in range(0, 1400, 50))]:
        assert sum(model.probability(context, c) for c in alphabet) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("val", ["", "a"])
def test_a_text_of_which_nothing_is_scored_is_refused(val):
    with pytest.raises(ValueError, match="less than two"):
        ngram_bits("abc", val)


def test_an_alphabet_of_one_character_takes_no_bits():
    assert str(ngram_bits("aaaa", "aaa")) == "0.0"  # and not -0.0
    assert str(ngram_bits("", "aaa")) == "0.0"


def test_without_a_train_every_character_is_as_likely():
    assert ngram_bits("", "abcdabcd") == pytest.approx(2)


def test_a_text_that_repeats_itself_takes_hardly_any_bits():
    assert ngram_bits("abcdefgh" * 500, "abcdefgh" * 50) < 0.02


def test_a_context_does_not_reach_back_into_the_train():
    train = VERSE + "the c"
    assert ngram_bits(train, "at") == pytest.approx(-math.log2(Slow(train, set(train), 7).probability("a", "t")))


def test_it_does_not_matter_which_characters_a_text_is_written_in():
    text = babble(5, 3000)
    other = text.translate({ord(c): 0x1F600 + 7 * ord(c) % 97 for c in set(text)})
    assert len(set(other)) == len(set(text))
    bits = ngram_bits(text[:2700], text[2700:])
    assert ngram_bits(other[:2700], other[2700:]) == pytest.approx(bits, rel=0, abs=1e-9)


def test_longer_contexts_help_where_there_is_enough_to_count():
    text = babble(6, 6000)
    bits = [ngram_bits(text[:5400], text[5400:], order=order) for order in (1, 2, 4)]
    assert bits == sorted(bits, reverse=True)
