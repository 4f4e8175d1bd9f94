"""A blend: one text of several models."""

import gc
import weakref

import numpy as np
import pytest

import zoo
from models import LETTERS, chain_voice, random_voice
from zoo.corpora.vocab import Bytes, Characters
from zoo.engine.sampling import Sampler, Sampling
from zoo.errors import BadData, NotFound, UsageProblem
from zoo.talk.blend import Blend
from zoo.talk.voice import Voice, write_together

GREEK = Characters("\n abγδ")


def expected(voice: Voice, prompt: str) -> dict[str, float]:
    """What a voice expects after a prompt, a probability for each character."""
    logits = voice.engine.extend(
        voice.engine.state(), voice.begin(prompt, Sampler(Sampling()), unknown="replace").ids
    ).astype(np.float64)
    p = np.exp(logits - logits.max())
    return dict(zip(voice.vocab.alphabet, p / p.sum(), strict=True))


def blended(voices: list[Voice], weights: list[float]) -> Voice:
    blend = Blend([(voice.engine, voice.vocab) for voice in voices], weights)
    return Voice("blend", blend, blend.vocab)


def mixed(blend: Voice, prompt: str) -> dict[str, float]:
    logits = blend.engine.feed([blend.engine.state()], [blend.vocab.encode(prompt).tolist()])[0]
    return dict(zip(blend.vocab.alphabet, np.exp(logits), strict=True))


def test_a_blend_is_the_mixture_over_the_union_of_alphabets():
    a, b = random_voice(LETTERS, seed=1), random_voice(GREEK, seed=2)
    blend = blended([a, b], [0.7, 0.3])
    assert set(blend.vocab.alphabet) == set(LETTERS.alphabet) | set(GREEK.alphabet)
    p, q = expected(a, "ab a"), expected(b, "ab a")
    for character, probability in mixed(blend, "ab a").items():
        assert probability == pytest.approx(0.7 * p.get(character, 0) + 0.3 * q.get(character, 0), abs=1e-9)


def test_a_member_is_given_the_nearest_it_knows_of_what_another_wrote():
    a, b = random_voice(LETTERS, seed=1), random_voice(GREEK, seed=2)
    blend = blended([a, b], [0.5, 0.5])
    p, q = expected(a, "ab "), expected(b, "abγ")  # LETTERS have no gamma, and nothing near: a space
    for character, probability in mixed(blend, "abγ").items():
        assert probability == pytest.approx(0.5 * p.get(character, 0) + 0.5 * q.get(character, 0), abs=1e-9)


def test_a_member_that_knows_nothing_of_a_prompt_expects_what_follows_nothing():
    a, b = random_voice(Characters("xyz"), seed=1), random_voice(Characters("abc"), seed=2)
    blend = blended([a, b], [0.5, 0.5])
    p, q = expected(a, ""), expected(b, "cab")
    for character, probability in mixed(blend, "cab").items():
        assert probability == pytest.approx(0.5 * p.get(character, 0) + 0.5 * q.get(character, 0), abs=1e-9)
    assert len(blend.generate("cab", max_new=100, seed=1)) == 100


@pytest.mark.parametrize("scale", [1e-30, 1e2, 1e5, 1e8])
@pytest.mark.parametrize("weights", [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5], [1.0, 1e-320]])
@pytest.mark.parametrize("vocab", [LETTERS, GREEK, Characters("xyz")], ids=["same", "overlapping", "apart"])
def test_probabilities_of_extreme_members_are_finite_and_right(scale, weights, vocab):
    a, b = random_voice(LETTERS, seed=1, scale=scale), random_voice(vocab, seed=2)
    blend = blended([a, b], weights)
    p, q, found = expected(a, "ab a"), expected(b, "ab a"), mixed(blend, "ab a")
    assert sum(found.values()) == pytest.approx(1)
    for character, probability in found.items():
        right = weights[0] * p.get(character, 0) + weights[1] * q.get(character, 0)
        assert probability == pytest.approx(right, abs=1e-9)
    for temperature in (0.0, 1e-5, 1.0, 100.0):
        sampler = Sampler(Sampling(temperature=temperature), 1)
        for piece in blend.begin("ab a", sampler, unknown="skip", log_probabilities=True).write(20):
            assert np.isfinite(piece.log_probability)
            assert sum(piece.shares) == pytest.approx(1)


@pytest.mark.parametrize("weights", [[1.0, 0.0], [0.5, 0.5]])
@pytest.mark.parametrize(
    "diverged",
    [chain_voice(LETTERS, "abcd", strength=3e38), random_voice(LETTERS, seed=2, scale=1e19)],
    ids=["infinite", "no numbers"],
)
def test_a_member_that_diverged_is_bad_data_and_named(weights, diverged):
    blend = blended([random_voice(LETTERS), diverged], weights)
    with pytest.raises(BadData, match="member 2's numbers are not finite"):
        blend.generate("ab a", max_new=5)


def test_a_blend_of_one_model_with_itself_is_that_model():
    voice = random_voice(seed=3)
    blend = blended([voice, random_voice(seed=3)], [0.4, 0.6])
    assert blend.generate("abc", max_new=60, seed=2) == voice.generate("abc", max_new=60, seed=2)


def test_the_shares_say_who_would_have_written_a_character():
    a, b = chain_voice(Characters("abcd"), "abcd"), chain_voice(Characters("wxyz"), "wxyz")
    text = blended([a, b], [0.5, 0.5]).begin("a", Sampler(Sampling(temperature=1.0), 1))
    pieces = list(text.write(30))
    assert {piece.text in "abcd" for piece in pieces} == {True, False}
    for piece in pieces:
        assert sum(piece.shares) == pytest.approx(1)
        assert piece.shares[0 if piece.text in "abcd" else 1] == pytest.approx(1, abs=1e-6)


def test_weights_shift_a_blend():
    a, b = chain_voice(Characters("abcd"), "abcd"), chain_voice(Characters("wxyz"), "wxyz")
    text = blended([a, b], [0.9, 0.1]).generate("a", max_new=2000, temperature=1.0, seed=1)
    assert 0.85 < sum(character in "abcd" for character in text) / 2000 < 0.95


def test_texts_of_a_blend_written_together_are_what_each_would_be_alone():
    blend = blended([random_voice(LETTERS, seed=1), random_voice(GREEK, seed=2)], [0.7, 0.3])
    texts = [blend.begin("aγb", Sampler(Sampling(), seed)) for seed in range(4)]
    written = [entry.text for entry in write_together(texts, 50)]
    assert written == [blend.generate("aγb", max_new=50, seed=seed) for seed in range(4)]
    assert len(set(written)) == 4


def test_a_blend_that_nobody_talks_to_any_more_is_gone():
    blend = blended([random_voice(LETTERS, seed=1), random_voice(GREEK, seed=2)], [0.7, 0.3])
    blend.generate("aγb", max_new=9)
    left = weakref.ref(blend.engine)
    del blend
    gc.collect()
    assert left() is None


def test_models_of_bytes_blend_with_each_other_alone():
    blend = blended([random_voice(Bytes(), seed=1), random_voice(Bytes(), seed=2)], [0.5, 0.5])
    assert blend.generate("é☃", max_new=100, seed=1).encode()
    with pytest.raises(UsageProblem, match="bytes and characters do not blend"):
        blended([random_voice(Bytes()), random_voice(LETTERS)], [0.5, 0.5])


def test_a_blend_is_loaded_by_its_members(home, tiny_model):
    blend = zoo.load("tiny-nano+tiny-nano:0.3", home=home.path)
    assert blend.name == "tiny-nano:0.7+tiny-nano:0.3"
    assert blend.generate("The", max_new=30, seed=1) == zoo.load("tiny", home=home.path).generate(
        "The", max_new=30, seed=1
    )
    thirds = zoo.load("tiny-nano+tiny-nano+tiny-nano", home=home.path)
    assert zoo.load(thirds.name, home=home.path).engine.weights == pytest.approx([1 / 3] * 3)
    with pytest.raises(NotFound):
        zoo.load("tiny-nano+nobody", home=home.path)
    with pytest.raises(UsageProblem):
        zoo.load("tiny-nano:0.5+tiny:0.6", home=home.path)
