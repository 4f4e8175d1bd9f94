"""A voice: a prompt in, text out."""

import numpy as np
import pytest

import zoo
from models import LETTERS, chain_voice, random_voice
from zoo.corpora.vocab import Bytes, Characters
from zoo.engine.sampling import Sampler, Sampling
from zoo.errors import BadData, NotFound, UsageProblem
from zoo.talk import LONGEST_PROMPT, REPLY_LENGTH
from zoo.talk.text import Stops
from zoo.talk.voice import write_together


@pytest.mark.parametrize("length", [0, 1, 7, 50])
def test_a_reply_has_the_asked_for_length(length):
    pieces = list(random_voice().stream("abc", max_new=length))
    assert [len(piece) for piece in pieces] == [1] * length
    assert set("".join(pieces)) <= set(LETTERS.alphabet)


def test_a_reply_has_500_characters_unless_told_otherwise():
    assert REPLY_LENGTH == 500
    assert len(random_voice().generate("abc")) == 500


def test_the_same_seed_gives_the_same_text():
    first = random_voice().generate("abc", max_new=60, seed=5)
    assert random_voice().generate("abc", max_new=60, seed=5) == first
    assert random_voice().generate("abc", max_new=60, seed=6) != first
    assert random_voice().generate("abd", max_new=60, seed=5) != first


def test_a_reply_streams():
    pieces = random_voice().stream("abc", max_new=10**9)
    assert len([next(pieces) for _ in range(5)]) == 5


def test_greedy_replies_know_nothing_of_earlier_prompts():
    voice, greedy = random_voice(), {"temperature": 0}
    first = voice.generate("abc", max_new=30, **greedy)
    voice.generate("eeee", max_new=30, **greedy)
    assert voice.generate("abc", max_new=30, **greedy) == first


def test_an_empty_prompt_stands_for_a_newline():
    voice, greedy = random_voice(), {"temperature": 0}
    assert voice.generate("", max_new=20, **greedy) == voice.generate("\n", max_new=20, **greedy)


def test_an_empty_prompt_works_without_a_newline_in_the_alphabet():
    voice, greedy = random_voice(Characters("abc")), {"temperature": 0}
    assert voice.generate("", max_new=20, **greedy) == voice.generate("a", max_new=20, **greedy)


def test_a_prompt_longer_than_the_context_works():
    voice, greedy = random_voice(), {"temperature": 0}
    long = "abcde " * 20
    assert len(voice.generate(long, max_new=30, **greedy)) == 30
    # of a prompt of 120 ids and a context of 8 the last 4 to 8 are seen
    assert voice.generate("EEEE" + long, max_new=30, **greedy) == voice.generate("bbbb" + long, max_new=30, **greedy)


def test_unknown_characters_are_an_error_that_names_them():
    with pytest.raises(BadData, match=r"'x'.*'é'"):
        random_voice().generate("axé", max_new=5)


def test_unknown_characters_can_be_skipped():
    voice, greedy = random_voice(), {"temperature": 0, "unknown": "skip"}
    assert voice.generate("xaxbéx", max_new=20, **greedy) == voice.generate("ab", max_new=20, **greedy)


def test_unknown_characters_can_be_replaced_by_the_nearest_known():
    voice, greedy = random_voice(), {"temperature": 0, "unknown": "replace"}
    # é: its base letter; B: the other case; Ê: base, known as it is; x: nothing is near, so a space
    assert voice.generate("éBÊx", max_new=20, **greedy) == voice.generate("ebE ", max_new=20, **greedy)


def test_a_prompt_of_unknown_characters_alone_is_an_empty_one():
    voice, greedy = random_voice(), {"temperature": 0, "unknown": "skip"}
    assert voice.generate("xyz", max_new=20, **greedy) == voice.generate("", max_new=20, **greedy)


def test_bytes_stream_whole_characters_only():
    text = "é€😀z"
    voice, greedy = chain_voice(Bytes(), text), {"temperature": 0}
    ids = len(text.encode())
    pieces = list(voice.stream("z", max_new=3 * ids, **greedy))
    assert "".join(pieces) == 3 * text
    assert set(pieces) == {"", *text}
    assert len(pieces) == 3 * ids


def test_a_character_cut_off_by_the_end_of_a_reply_is_held_back():
    voice, greedy = chain_voice(Bytes(), "é€😀z"), {"temperature": 0}
    assert voice.generate("z", max_new=4, **greedy) == "é"
    assert voice.generate("z", max_new=5, **greedy) == "é€"


def test_bytes_that_are_no_text_are_shown_as_replacement_characters():
    text = random_voice(Bytes()).generate("any text fits: ☃", max_new=300)
    assert "\ufffd" in text
    text.encode("utf-8")


def test_text_of_an_engine_is_what_its_ids_decode_to():
    voice, greedy = chain_voice(LETTERS, "abcde"), {"temperature": 0}
    assert voice.generate("c", max_new=8, **greedy) == "deabcdea"


def test_texts_written_together_are_what_each_would_be_alone():
    voice = random_voice()
    written = write_together([voice.begin("abc", Sampler(Sampling(), seed)) for seed in range(5)], 40)
    assert [entry.text for entry in written] == [voice.generate("abc", max_new=40, seed=seed) for seed in range(5)]
    assert [entry.seed for entry in written] == [0, 1, 2, 3, 4]
    assert {entry.finish for entry in written} == {"length"}


def test_a_text_that_comes_to_a_stop_string_does_not_hold_up_the_others():
    voice = random_voice()
    written = write_together([voice.begin("abc", Sampler(Sampling(), seed), stop=["e"]) for seed in range(8)], 60)
    assert len({len(entry.tokens) for entry in written}) > 2
    for seed, entry in enumerate(written):
        whole = voice.generate("abc", max_new=60, seed=seed)
        assert entry.text == whole.partition("e")[0]
        assert len(entry.tokens) == (whole.index("e") + 1 if "e" in whole else 60)
        assert entry.finish == ("stop" if "e" in whole else "length")


@pytest.mark.parametrize(("stop", "expected"), [("d", "abc"), ("de", "abc"), ("cd", "ab"), ("x", "abcdeabcdea")])
def test_a_text_ends_before_its_stop_string(stop, expected):
    voice = chain_voice(LETTERS, "abcde")
    assert voice.generate("e", max_new=11, temperature=0, stop=[stop]) == expected


def test_of_several_stop_strings_the_first_counts():
    voice = chain_voice(LETTERS, "abcde")
    assert voice.generate("e", max_new=11, temperature=0, stop=["e", "c", ""]) == "ab"


def test_one_stop_string_need_not_be_a_list():
    voice = chain_voice(LETTERS, "abcde")
    assert voice.generate("e", max_new=11, temperature=0, stop="cd") == "ab"


def test_what_only_looked_like_a_stop_string_is_not_lost():
    voice = chain_voice(LETTERS, "abcde")
    assert voice.generate("e", max_new=7, temperature=0, stop=["abx", "bcdx", "abcdeabc"]) == "abcdeab"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_stop_strings_are_found_wherever_the_pieces_end(size):
    text = "one two one three"
    for stop in ("one t", "two", "e", "three", "four", "e t"):
        stops = Stops([stop])
        shown = ""
        for at in range(0, len(text), size):
            shown += stops.push(text[at : at + size])
            assert text.startswith(shown)
            if stops.reached:
                break
        shown += stops.finish()
        assert shown == text.partition(stop)[0]
        assert bool(stops.reached) == (stop in text)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_after_a_stop_string_a_text_goes_on_with_nothing_lost(size):
    text = "one two one three ee"
    for stop in ("one t", "e", "e t", " "):
        stops, shown, left = Stops([stop]), "", text
        while left:
            piece, left = left[:size], left[size:]
            shown += stops.push(piece)
            if stops.reached:
                assert shown.count(stop) == shown.replace(stop, "\0").count("\0")
                shown += stops.resume()
        assert shown + stops.finish() == text


def test_a_stop_string_is_found_though_its_beginning_was_shown():
    stops = Stops(["cd"])
    assert stops.push("abc") + stops.finish() == "abc"
    assert stops.push("de") == ""
    assert stops.reached == "cd"
    assert stops.resume() == "de"
    assert stops.push("cd") == ""
    assert stops.reached == "cd"


def test_log_probabilities_are_of_what_was_drawn():
    voice = random_voice(block_size=64)
    text = voice.begin("abc", Sampler(Sampling(temperature=2.0, top_k=3), 1), log_probabilities=True)
    pieces = list(text.write(20))
    scored = voice.engine.score(np.array(text.ids))
    for at, piece in enumerate(pieces, 3):
        assert piece.log_probability == pytest.approx(scored[at - 1][piece.id], abs=1e-5)
    assert next(iter(voice.begin("abc", Sampler(Sampling(), 1)).write(1))).log_probability is None


def test_a_prompt_of_many_millions_is_as_good_as_its_end():
    voice = random_voice()
    end = "abcde " * (LONGEST_PROMPT // 6 + 1)
    assert voice.generate("E" * 5_000_000 + end, max_new=20, seed=1) == voice.generate(
        end[-LONGEST_PROMPT:], max_new=20, seed=1
    )


@pytest.mark.parametrize(
    "options", [{"temperature": -1}, {"top_q": 1}, {"min_p": 2}, {"max_new": -3}, {"max_new": 2.5}, {"max_tokens": 3}]
)
def test_options_that_make_no_sense_are_refused_before_anything_is_written(options):
    with pytest.raises(UsageProblem):
        random_voice().stream("abc", **options)


def test_what_to_do_with_unknown_characters_is_one_of_three():
    with pytest.raises(UsageProblem, match="error, skip or replace"):
        random_voice().stream("abc", unknown="guess")


def test_a_model_is_loaded_by_its_name_and_talks(home, tiny_model):
    voice = zoo.load(tiny_model, home=home.path)
    assert voice.name == tiny_model
    assert voice.generate("The", max_new=30, seed=1) == "".join(voice.stream("The", max_new=30, seed=1))
    assert zoo.load("tiny", home=str(home.path)).generate("The", max_new=30, seed=1) == voice.generate(
        "The", max_new=30, seed=1
    )
    assert zoo.load(tiny_model).name == tiny_model  # ZOO_HOME
    with pytest.raises(NotFound):
        zoo.load("nobody", home=home.path)
